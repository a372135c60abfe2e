// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bpf.c - the BPF scheduler, op by op, on the model kernel: where each enqueue path puts a
 * task, what each decision costs, the guards' limits, the worker's share, faults, hotplug, exit.
 */
#include "under_test.h"

#include <limits.h>

enum { LOCAL_ID = 1 }; /* what at() says for the kernel's local queue */

/* Where a task is, short: queue ids as the BPF has them. */
static u64 at(const struct model_task *t)
{
	u64 id = model_where(t);

	return id == SCX_DSQ_LOCAL ? LOCAL_ID : id;
}

static int teardown(void **state)
{
	(void)state;
	model_free();
	return 0;
}

static struct model_task *plain(int pid, u64 mask)
{
	struct model_task *t = model_fork(pid, pid, mask);

	assert_non_null(t);
	return t;
}

/* A CPU-bound task on each CPU that does not go through the policy, so nothing is idle. */
static void busy(void)
{
	int cpu;

	for (cpu = 0; cpu < model.nr_cpus; cpu++) {
		struct model_task *t = plain(900 + cpu, 1ull << cpu);

		t->p.flags = PF_KTHREAD;
		model_wake(t);
		model_run_all();
		assert_true(t->running);
		t->p.scx.slice = ~0ull;
	}
}

static struct model_task *worker(void)
{
	struct model_task *w = model_fork(WORKER_PID, WORKER_PID, ~0ull);

	assert_non_null(w);
	return w;
}

/* One task on its hold queue, every CPU busy. */
static struct model_task *held(int pid, u64 mask)
{
	struct model_task *t = plain(pid, mask);

	model_wake(t);
	assert_int_equal(at(t), DSQ_HOLD + t->cpu);
	return t;
}

/* ---- enqueue paths ---- */

static void enqueue_goes_to_hold(void **state)
{
	struct model_task *t;
	struct scxlua_record rec;

	(void)state;
	machine(2);
	busy();
	t = plain(100, 3);
	t->p.static_prio = 115;
	t->p.nvcsw = 3;
	t->p.scx.weight = 300;
	model_wake(t);
	assert_int_equal(at(t), DSQ_HOLD + t->cpu);
	assert_int_equal(total().queued, 1);
	assert_true(model_take_record(&rec));
	assert_int_equal(rec.kind, SCXLUA_REC_ENQUEUE);
	assert_int_equal(rec.pid, 100);
	assert_int_equal(rec.tgid, 100);
	assert_int_equal(rec.ppid, 1);
	assert_int_equal(rec.nice, -5);
	assert_int_equal(rec.weight, 300);
	assert_int_equal(rec.cgroup_id, 7);
	assert_int_equal(rec.cgroup_weight, 250);
	assert_int_equal(rec.nr_cpus_allowed, 2);
	assert_int_equal(rec.nvcsw, 3);
	assert_int_equal(rec.cookie, ctx(t)->cookie);
	assert_int_equal(rec.seq, 1);
	assert_int_equal(rec.flags, SCX_TASK_WAKEUP | SCX_TASK_NEW);
	assert_string_equal(rec.comm, "t100");
	assert_int_equal(rec.enqueue_ns, model.now);
	assert_false(model_take_record(&rec));
}

/* Takes the record, which must be about the affinity of `t`. */
static void take_affinity(const struct model_task *t, u64 mask)
{
	struct scxlua_record rec;
	struct scxlua_affinity a;

	assert_true(model_take_record(&rec));
	memcpy(&a, &rec, sizeof(a));
	assert_int_equal(a.kind, SCXLUA_REC_AFFINITY);
	assert_int_equal(a.pid, t->p.pid);
	assert_int_equal(a.cookie, ((struct task_ctx *)t->storage)->cookie);
	assert_int_equal(a.first, 0);
	assert_int_equal(a.mask[0] & 3, mask);
}

static void take_enqueue(const struct model_task *t)
{
	struct scxlua_record rec;

	assert_true(model_take_record(&rec));
	assert_int_equal(rec.kind, SCXLUA_REC_ENQUEUE);
	assert_int_equal(rec.pid, t->p.pid);
}

/* The worker is told of an affinity once, when it is not all CPUs or changes; and all over again
 * when the task table was emptied. */
static void affinity_is_told(void **state)
{
	struct scxlua_record rec;
	struct model_task *t, *pinned;

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	take_enqueue(t);
	pinned = held(101, 2);
	take_affinity(pinned, 2);
	take_enqueue(pinned);
	model_setaffinity(t, 1);
	take_affinity(t, 1);
	take_enqueue(t);
	model_setaffinity(t, 3); /* free again: that is a change too */
	take_affinity(t, 3);
	take_enqueue(t);
	control.table_epoch++;
	model_setaffinity(t, 3); /* enqueues it again; nothing new, but for an empty table */
	take_enqueue(t);
	model_setaffinity(pinned, 2);
	take_affinity(pinned, 2);
	take_enqueue(pinned);
	assert_false(model_take_record(&rec));
}

/* A full ring costs the task the policy's opinion, and the affinity is sent the next time. */
static void affinity_finds_the_ring_full(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	busy();
	model.record_cap = 0;
	t = plain(100, 2);
	model_wake(t);
	assert_int_equal(at(t), DSQ_BYPASS);
	assert_int_equal(total().congested, 1);
	model.record_cap = MODEL_RECORDS;
	empty_records();
	model.cpu[1].curr->p.scx.slice = 0; /* the CPU takes it, it runs and is enqueued again */
	model_schedule(1);
	model_preempt(t);
	take_affinity(t, 2);
	take_enqueue(t);
}

static void direct_paths(void **state)
{
	static const struct {
		u32 flags;
		int pid, tgid;
		u64 mask;
		u64 where;
		u32 kthreads;
	} row[] = {
		{ PF_KTHREAD, 200, 200, 3, LOCAL_ID, 0 },
		{ PF_KTHREAD, 201, 201, 1, LOCAL_ID, 1 }, /* per-CPU: always */
		{ PF_KTHREAD, 202, 202, 3, DSQ_HOLD, 1 },
		{ PF_MEMALLOC, 203, 203, 3, LOCAL_ID, 1 },
		{ 0, SUPERVISOR_PID, SUPERVISOR_PID, 3, LOCAL_ID, 0 },
		{ 0, 41, SUPERVISOR_PID, 3, LOCAL_ID, 0 }, /* its other threads */
		{ 0, WORKER_PID, WORKER_PID, 3, DSQ_WORKER, 0 },
		{ 0, LOADING_PID, LOADING_PID, 3, DSQ_BYPASS, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct model_task *t;
		u64 where;

		machine(2);
		busy();
		config()->kthreads = row[i].kthreads;
		t = model_fork(row[i].pid, row[i].tgid, row[i].mask);
		t->p.flags = row[i].flags;
		model_wake(t);
		where = at(t);
		assert_int_equal(row[i].where == DSQ_HOLD ? where - (u64)t->cpu : where,
				 row[i].where);
		assert_int_equal(total().queued, row[i].where == DSQ_HOLD);
		assert_int_equal(model.record_tail, row[i].where == DSQ_HOLD);
		if (row[i].tgid == SUPERVISOR_PID)
			assert_true(model.cpu[t->cpu].resched); /* interrupts */
	}
}

/* What goes past the policy takes turns with the others once it has used up a slice: while a local
 * queue has tasks, ops.dispatch is not called. Ending threads always do, there may be crowds. */
static void direct_hogs_take_turns(void **state)
{
	struct model_task *t, *k[2];
	int i;

	(void)state;
	machine(1);
	for (i = 0; i < 2; i++) {
		k[i] = plain(200 + i, 1);
		k[i]->p.flags = PF_KTHREAD;
		model_wake(k[i]);
		if (i == 0)
			model_run_all();
	}
	assert_true(k[0]->running);
	assert_int_equal(at(k[1]), LOCAL_ID);
	model_advance(config()->slice_ns);
	model_preempt(k[0]);
	assert_int_equal(at(k[0]), DSQ_BYPASS);
	assert_true(k[1]->running);
	model_advance(1 * MS);
	model_preempt(k[1]); /* with slice left: at once */
	assert_int_equal(at(k[1]), LOCAL_ID);
	assert_true(k[0]->running);
	machine(1);
	busy();
	t = plain(100, 1);
	t->p.flags = PF_EXITING;
	model_wake(t);
	assert_int_equal(at(t), DSQ_BYPASS);
	assert_int_equal(total().queued, 0);
}

static void builtin_idle(void **state)
{
	struct model_task *a, *b, *c;

	(void)state;
	machine(2);
	a = plain(100, 3);
	model_wake(a); /* off: asks, although CPUs are idle */
	assert_int_equal(at(a), DSQ_HOLD + a->cpu);
	assert_int_equal(total().direct, 0);
	control.builtin_idle = 1;
	b = plain(101, 3);
	model_wake(b);
	assert_int_equal(at(b), LOCAL_ID);
	assert_int_equal(total().direct, 1);
	/* Not past those who wait already, on the shared queue or that CPU's. */
	machine(2);
	control.builtin_idle = 1;
	busy();
	a = held(100, 3);
	decide(a, SCX_CPU_ANY, 1);
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(at(a), DSQ_SHARED);
	model.cpu[1].idle = 1; /* as if it had just become so */
	c = plain(102, 3);
	model_wake(c);
	assert_int_equal(at(c), DSQ_HOLD + 1);
	assert_int_equal(total().direct, 0);
}

static void bypass_conditions(void **state)
{
	struct model_task *t;
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		machine(2);
		busy();
		model_advance(300 * MS);
		heartbeat();
		if (i == 1)
			activate(-1);
		if (i == 2)
			control.bypass = 1;
		if (i == 3 || i == 4)
			control.heartbeat_ns = model.now - config()->late_ns - 1;
		if (i == 4)
			config()->fault_no_bypass = 1;
		if (i == 5)
			control.heartbeat_ns = model.now - config()->late_ns;
		t = plain(100, 3);
		model_wake(t);
		if (i >= 1 && i <= 3) {
			assert_int_equal(at(t), DSQ_BYPASS);
			assert_int_equal(total().bypassed, 1);
			assert_int_equal(total().queued, 0);
			assert_int_equal(model.record_tail, 0);
		} else {
			assert_int_equal(at(t), DSQ_HOLD + t->cpu);
		}
		/* And back. */
		activate(SCXLUA_OWN_WORKER0);
		control.bypass = 0;
		heartbeat();
		t = plain(101, 3);
		model_wake(t);
		assert_int_equal(at(t), DSQ_HOLD + t->cpu);
	}
}

static void ring_full(void **state)
{
	struct model_task *t, *u;

	(void)state;
	machine(2);
	busy();
	model.record_cap = 0;
	vtime_now = 1000 * MS;
	t = plain(100, 3);
	ctx(t)->vtime = 995 * MS;
	model_wake(t);
	assert_int_equal(at(t), DSQ_BYPASS);
	assert_int_equal(t->p.scx.dsq_vtime, 995 * MS); /* its own, not 0 */
	u = plain(101, 3);
	ctx(u)->vtime = 1; /* slept long: gains one slice, not more */
	model_wake(u);
	assert_int_equal(u->p.scx.dsq_vtime, 1000 * MS - config()->slice_ns);
	assert_ptr_equal(model_queue(DSQ_BYPASS)->first, u);
	assert_int_equal(total().congested, 2);
	assert_int_equal(total().queued, 0);
	model.record_cap = 10;
	t = plain(102, 3);
	model_wake(t);
	assert_int_equal(at(t), DSQ_HOLD + t->cpu);
}

static void no_context_ejects(void **state)
{
	struct model_task *t;
	struct scx_init_task_args args = { .fork = true };

	(void)state;
	machine(1);
	t = plain(100, 1);
	free(t->storage);
	t->storage = NULL;
	model.enqueueing = t;
	scxlua_ops.enqueue(&t->p, 0);
	assert_int_equal(model.fatal, 1);
	model.fatal = 0;
	model.storage_fails = 1;
	assert_int_equal(scxlua_ops.init_task(&t->p, &args), -12);
}

static void reasons(void **state)
{
	struct model_task *t, *u;
	struct scxlua_record rec;

	(void)state;
	machine(1);
	t = plain(100, 1);
	model_wake(t);
	empty_records();
	decide(t, 0, 1);
	model_schedule(0);
	assert_true(t->running);
	model_advance(2 * MS); /* of 5 */
	u = held(101, 1);
	decide(u, 0, 0);
	empty_records();
	model_preempt(t);
	assert_true(u->running);
	assert_true(model_take_record(&rec));
	assert_int_equal(rec.pid, 100);
	assert_int_equal(rec.flags, SCX_TASK_PREEMPTED);
	assert_int_equal(rec.exec_ns, 2 * MS);
	decide(t, 0, 1);
	model_exit(u);
	assert_true(t->running);
	held(102, 1);
	empty_records();
	model_advance(5 * MS);
	model_schedule(0);
	/* Alone but for an undecided one: it is kept, for a short slice. */
	assert_true(t->running);
	assert_int_equal(t->p.scx.slice, SHORT_SLICE_NS);
	model_advance(20 * MS);
	model_schedule(0); /* the other has aged */
	assert_false(t->running);
	assert_true(model_take_record(&rec));
	assert_int_equal(rec.flags, SCX_TASK_EXPIRED);
	assert_int_equal(rec.seq, 3);
}

/* ---- decisions ---- */

static void decision_moves(void **state)
{
	struct model_task *a, *b, *c;

	(void)state;
	machine(2);
	busy();
	a = held(100, 3);
	b = held(101, 3);
	c = held(102, 3);
	decide(a, 1, 20);
	decide(b, 1, 10);
	decide(c, SCX_CPU_ANY, 5);
	model_dispatch(1);
	assert_int_equal(at(c), DSQ_SHARED);
	assert_int_equal(at(a), DSQ_CPU + 1);
	assert_int_equal(at(b), LOCAL_ID); /* lowest vtime first; taken by this dispatch */
	assert_int_equal(b->p.scx.slice, 5 * MS);
	assert_int_equal(a->p.scx.dsq_vtime, 20);
	assert_int_equal(total().decided, 3);
	assert_int_equal(ctx(a)->word & TASK_STATE_MASK, TASK_DECIDED);
}

static void decision_kicks(void **state)
{
	struct model_task *t;
	struct scxlua_verdict v;

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	v = verdict_for(t, 1, 1);
	v.flags = SCX_PREEMPT;
	model_verdict(&v);
	model_dispatch(0);
	assert_int_equal(model.cpu[1].kicks_preempt, 1);
	t = held(101, 3);
	decide(t, 1, 1);
	model_dispatch(0);
	assert_int_equal(model.cpu[1].kicks_idle, 1);
	assert_int_equal(model.cpu[1].kicks_preempt, 1);
	t = held(102, 3);
	model.cpu[1].idle = 1;
	decide(t, SCX_CPU_ANY, 1);
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(model.cpu[1].kicks_idle, 2);
	assert_int_equal(model.cpu[1].idle, 0); /* claimed, so that the next finds another */
}

/* The CPU that drains takes the task in this very dispatch: a kick would interrupt that one. */
static void no_kick_for_who_drains(void **state)
{
	struct model_task *t;
	struct scxlua_verdict v;

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	v = verdict_for(t, 1, 1);
	v.flags = SCX_PREEMPT;
	model_verdict(&v);
	model_dispatch(1);
	assert_int_equal(at(t), LOCAL_ID);
	t = held(101, 3);
	v = verdict_for(t, SCX_CPU_ANY, 1);
	v.flags = SCX_PREEMPT;
	model_verdict(&v);
	model_dispatch(t->cpu);
	assert_int_equal(at(t), LOCAL_ID);
	v = (struct scxlua_verdict){ .kind = SCXLUA_VERDICT_KICK, .cpu = 1, .flags = SCX_PREEMPT };
	model_verdict(&v);
	model_dispatch(1);
	assert_int_equal(total().kicks, 1);
	assert_int_equal(model.cpu[0].kicks_preempt + model.cpu[1].kicks_preempt, 0);
	assert_int_equal(model.cpu[0].kicks_idle + model.cpu[1].kicks_idle, 0);
}

/* SCX_IF_IDLE: the first decision for an idle CPU has it, the next goes to the shared queue. */
static void decision_if_idle(void **state)
{
	struct model_task *a, *b, *pinned;
	struct scxlua_verdict v;

	(void)state;
	machine(2);
	busy();
	a = held(100, 3);
	b = held(101, 3);
	model.cpu[1].idle = 1;
	v = verdict_for(a, 1, 1);
	v.flags = SCX_IF_IDLE;
	model_verdict(&v);
	v = verdict_for(b, 1, 1);
	v.flags = SCX_IF_IDLE;
	model_verdict(&v);
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(at(a), DSQ_CPU + 1);
	assert_int_equal(at(b), DSQ_SHARED);
	assert_int_equal(total().idle_missed, 1);
	assert_int_equal(total().decided, 2);
	assert_int_equal(model.cpu[1].kicks_idle, 1);
	/* Not allowed there: bounced, and the CPU stays idle for others. */
	pinned = held(102, 1);
	model.cpu[1].idle = 1;
	v = verdict_for(pinned, 1, 1);
	v.flags = SCX_IF_IDLE;
	model_verdict(&v);
	drain_verdicts();
	assert_int_equal(at(pinned), DSQ_CPU + 0);
	assert_int_equal(model.cpu[1].idle, 1);
	assert_int_equal(total().bounced, 1);
	/* Claimed for a task that was gone: the CPU is kicked, so that it is marked idle again. */
	a = held(103, 3);
	model.cpu[1].idle = 1;
	v = verdict_for(a, 1, 1);
	v.flags = SCX_IF_IDLE;
	model_verdict(&v);
	ctx(a)->hold_cpu = !ctx(a)->hold_cpu; /* as if the insert were not done yet */
	drain_verdicts();
	assert_int_equal(total().early, 1);
	assert_int_equal(model.cpu[1].kicks_idle, 2);
}

static void kick_verdicts(void **state)
{
	struct scxlua_verdict v = { .kind = SCXLUA_VERDICT_KICK, .cpu = 1 };
	u64 kicks;

	(void)state;
	machine(2);
	busy();
	model_verdict(&v);
	v.flags = SCX_PREEMPT;
	model_verdict(&v);
	v.cpu = 2; /* there is none */
	model_verdict(&v);
	v.cpu = -1;
	model_verdict(&v);
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(model.cpu[1].kicks_idle, 1);
	assert_int_equal(model.cpu[1].kicks_preempt, 1);
	kicks = total().kicks;
	assert_int_equal(kicks, 2);
	assert_int_equal(total().malformed, 2);
	assert_int_equal(total().gone, 0);
}

static void decision_wrong(void **state)
{
	struct model_task *t, *pinned;
	struct scxlua_verdict v;

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	model.this_cpu = 0;
	v = verdict_for(t, SCX_CPU_ANY, 1);
	v.seq--;
	model_verdict(&v);
	drain_verdicts();
	assert_int_equal(total().stale, 1);
	v.seq += 2;
	model_verdict(&v);
	drain_verdicts();
	assert_int_equal(total().stale, 2);
	v.seq--;
	v.pid = 4711;
	model_verdict(&v);
	drain_verdicts();
	assert_int_equal(total().gone, 1);
	v.pid = 100;
	v.cookie++;
	model_verdict(&v);
	drain_verdicts();
	assert_int_equal(total().gone, 2);
	assert_int_equal(at(t), DSQ_HOLD + t->cpu); /* none of these moved it */
	model_verdict(&v);
	model.sample[(model.sample_tail - 1) % MODEL_SAMPLES].size = 8;
	drain_verdicts();
	assert_int_equal(total().malformed, 1);
	v.cookie--;
	model_verdict(&v);
	model_verdict(&v); /* doubled: the first stands */
	drain_verdicts();
	assert_int_equal(total().decided, 1);
	assert_int_equal(total().late, 1);
	assert_int_equal(at(t), DSQ_SHARED);
	/* A CPU it may not use, one that is none, one that is off. */
	pinned = held(101, 1);
	decide(pinned, 1, 1);
	drain_verdicts();
	assert_int_equal(at(pinned), DSQ_CPU + 0);
	t = held(102, 3);
	decide(t, 2, 1);
	drain_verdicts();
	assert_int_equal(at(t), DSQ_CPU + t->cpu);
	t = held(103, 3);
	decide(t, INT_MIN, 1);
	drain_verdicts();
	assert_int_equal(at(t), DSQ_CPU + t->cpu);
	t = held(104, 1);
	cpu_row(1)->online = 0;
	t->mask.bits[0] = 3;
	decide(t, 1, 1);
	drain_verdicts();
	assert_int_equal(at(t), DSQ_CPU + 0);
	assert_int_equal(total().bounced, 4);
	assert_int_equal(total().decided, 5);
}

static struct model_task *other;

static void drain_elsewhere(void)
{
	int was = model.this_cpu;

	decide(other, SCX_CPU_ANY, 1);
	model.this_cpu = 1;
	drain_verdicts();
	model.this_cpu = was;
}

/* The decision is there before the task is on its hold queue, and the insert never in sight. */
static void decision_early(void **state)
{
	(void)state;
	machine(2);
	busy();
	other = plain(100, 3);
	model.on_insert = drain_elsewhere;
	model_wake(other);
	assert_int_equal(total().early, 1);
	assert_int_equal(total().decided, 0);
	assert_int_equal(at(other), DSQ_HOLD + other->cpu);
	/* A CPU with nothing better to do takes it without waiting for the hold limit. */
	model_dispatch(0);
	assert_int_equal(at(other), LOCAL_ID);
}

void model_finish_insert(struct model_task *t);

static void insert_now(void)
{
	model_finish_insert(other);
}

static void drain_while_inserted(void)
{
	model.on_iter_new = insert_now;
	model.on_iter_new_after = 3;
	drain_elsewhere();
}

static void decision_early_retried(void **state)
{
	(void)state;
	machine(2);
	busy();
	other = plain(100, 3);
	model.on_insert = drain_while_inserted;
	model_wake(other);
	assert_int_equal(total().early, 0);
	assert_int_equal(total().decided, 1);
	assert_int_equal(at(other), DSQ_SHARED);
}

static void dequeue_other(void)
{
	model_setaffinity(other, 2);
}

/* The task's affinity changes between the claim and the move. */
static void dequeued_while_claimed(void **state)
{
	struct scxlua_counters sum;

	(void)state;
	machine(2);
	busy();
	other = held(100, 3);
	decide(other, SCX_CPU_ANY, 1);
	model.on_iter_new = dequeue_other;
	model.this_cpu = 1;
	drain_verdicts();
	sum = total();
	assert_int_equal(sum.queued, sum.decided + sum.cancelled + 1); /* one is held */
	assert_int_equal(ctx(other)->word & TASK_STATE_MASK, TASK_HELD);
}

static void pid_reuse(void **state)
{
	struct model_task *t;
	struct scxlua_verdict v;

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	v = verdict_for(t, 1, 1);
	model_exit(t);
	t = held(100, 3);
	assert_int_equal(verdict_for(t, 1, 1).seq, v.seq);
	model_verdict(&v);
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(total().gone, 1);
	assert_int_equal(total().decided, 0);
	assert_int_equal(at(t), DSQ_HOLD + t->cpu);
}

static void post_more(void)
{
	struct scxlua_verdict v = verdict_for(other, SCX_CPU_ANY, 1);

	model_verdict(&v);
	drain_again = 1; /* as the CPU does that found us draining */
}

static void drain_busy_leaves_note(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	decide(t, SCX_CPU_ANY, 1);
	model.drain_busy = 1;
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(total().drain_busy, 1);
	assert_int_equal(drain_again, 1);
	assert_int_equal(at(t), DSQ_HOLD + t->cpu);
	/* The note makes the next drain look twice. */
	other = held(101, 3);
	drain_verdicts();
	assert_int_equal(drain_again, 0);
	assert_int_equal(at(t), DSQ_SHARED);
	control.drain_off = 1;
	post_more();
	drain_verdicts();
	assert_int_equal(at(other), DSQ_HOLD + other->cpu);
}

static void drain_is_bounded(void **state)
{
	struct scxlua_verdict v = { .pid = 4711 };
	int i;

	(void)state;
	machine(1);
	for (i = 0; i < DRAIN_MAX + 100; i++)
		model_verdict(&v);
	drain_verdicts();
	assert_int_equal(total().gone, DRAIN_MAX);
}

/* ---- guards ---- */

static void age_out_by_head(void **state)
{
	struct model_task *a, *b;

	(void)state;
	machine(2);
	busy();
	a = held(100, 3);
	model_advance(10 * MS);
	b = held(101, 3);
	model_advance(config()->hold_ns - 10 * MS - 1);
	heartbeat();
	model_dispatch(0);
	assert_int_equal(at(a), DSQ_HOLD + a->cpu);
	model_advance(1);
	model_dispatch(0);
	assert_int_equal(at(a), LOCAL_ID);
	model_dispatch(1); /* the next head is younger, whatever became of the first */
	assert_int_equal(at(b), DSQ_HOLD + b->cpu);
	model_advance(10 * MS);
	model_dispatch(1); /* another CPU's hold queue */
	assert_int_equal(at(b), LOCAL_ID);
	model.cpu[0].curr->p.scx.slice = 0;
	model_schedule(0);
	assert_true(a->running);
	assert_int_equal(total().aged_out, 1);
}

static void aged_head_gets_idle_cpu(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	t = plain(100, 2);
	model_wake(t);
	model_schedule(1);
	assert_int_equal(at(t), DSQ_HOLD + 1);
	model.cpu[1].idle = 1;
	model_timer_fire();
	assert_int_equal(model.cpu[1].kicks_idle, 0);
	model_advance(config()->hold_ns);
	model_timer_fire();
	assert_int_equal(model.cpu[1].kicks_idle, 1);
	model_run_all();
	assert_true(t->running);
}

static void starved_moves(void **state)
{
	struct model_task *a, *b, *c, *d;

	(void)state;
	machine(2);
	busy();
	a = held(100, 3);
	b = held(101, 3);
	c = held(102, 3);
	decide(a, 1, ~0ull >> 2);
	decide(b, SCX_CPU_ANY, ~0ull >> 2);
	model.this_cpu = 0;
	drain_verdicts();
	control.bypass = 1;
	d = plain(103, 3);
	model_wake(d);
	control.bypass = 0;
	model_advance(config()->starve_ns - 1);
	model_timer_fire();
	assert_int_equal(total().starved, 0);
	model_advance(1);
	model_timer_fire();
	assert_int_equal(at(a), DSQ_STARVED);
	assert_int_equal(at(b), DSQ_STARVED);
	assert_int_equal(at(c), DSQ_STARVED);
	assert_int_equal(at(d), DSQ_STARVED);
	assert_int_equal(total().starved, 4);
	assert_int_equal(total().aged_out, 1); /* c alone was undecided */
	assert_true(model.cpu[model_queue(DSQ_STARVED)->first->cpu].kicks_preempt > 0);
}

/* 600 fresh tasks at the head: the walk from the other end finds the starving one. */
static void starved_found_from_the_end(void **state)
{
	struct model_task *t, *u;
	int i;

	(void)state;
	machine(1);
	busy();
	t = held(100, 1);
	decide(t, 0, 1000000);
	drain_verdicts();
	model_advance(config()->starve_ns);
	heartbeat();
	for (i = 0; i < RESCUE_STEPS + 50; i++) {
		u = held(1000 + i, 1);
		decide(u, 0, (u64)i);
		drain_verdicts();
	}
	model_timer_fire();
	assert_int_equal(at(t), DSQ_STARVED);
	assert_int_equal(total().starved, 1);
}

static void starve_share(void **state)
{
	struct model_task *t[8];
	struct turn *turn;
	u32 zero = 0;
	int i, starved = 0, shared = 0;

	(void)state;
	machine(1);
	busy();
	for (i = 0; i < 8; i++) {
		t[i] = held(100 + i, 1);
		decide(t[i], SCX_CPU_ANY, (u64)i);
	}
	drain_verdicts();
	model_advance(config()->starve_ns);
	heartbeat();
	rescue(DSQ_SHARED, 0, model.now);
	assert_int_equal(model_queue(DSQ_STARVED)->count, 8);
	for (i = 0; i < 8; i++) {
		struct model_task *u = held(200 + i, 1);

		decide(u, SCX_CPU_ANY, 1);
	}
	drain_verdicts();
	empty_records();
	turn = bpf_map_lookup_elem(&turns, &zero);
	memset(turn, 0, sizeof(*turn));
	for (i = 0; i < 8; i++) {
		model_dispatch(0);
		starved += model.cpu[0].local.last->p.pid < 200;
		shared += model.cpu[0].local.last->p.pid >= 200;
	}
	assert_int_equal(starved, 4); /* every second time */
	assert_int_equal(shared, 4);
	model_advance(4 * config()->starve_ns);
	heartbeat();
	worker_last_run = model.now;
	for (i = 0; i < 4; i++) {
		model_dispatch(0);
		assert_true(model.cpu[0].local.last->p.pid < 200); /* every time */
	}
}

static void starved_slice_bounded(void **state)
{
	int i;

	(void)state;
	machine(2);
	busy();
	assert_int_equal(starved_slice(), config()->slice_ns);
	for (i = 0; i < 200; i++)
		held(100 + i, 3);
	model.this_cpu = 0;
	rescue(DSQ_HOLD, 0, model.now);
	rescue(DSQ_HOLD + 1, 0, model.now);
	assert_int_equal(model_queue(DSQ_STARVED)->count, 200);
	assert_int_equal(starved_slice(), 10 * MS);
	control.nr_online = 0;
	assert_int_equal(starved_slice(), config()->slice_ns);
}

static void keep_prev_slices(void **state)
{
	struct model_task *t, *u;

	(void)state;
	machine(1);
	t = plain(100, 1);
	model_wake(t);
	decide(t, 0, 1);
	model_run_all();
	assert_true(t->running);
	empty_records();
	model_advance(5 * MS);
	model_schedule(0);
	assert_true(t->running);
	assert_int_equal(t->p.scx.slice, config()->slice_ns);
	assert_int_equal(total().kept, 1);
	u = held(101, 1);
	empty_records();
	model_advance(config()->slice_ns - 1 * MS);
	model_yield(t);
	assert_true(t->running);
	assert_int_equal(t->p.scx.slice, SHORT_SLICE_NS);
	assert_int_equal(total().kept, 2);
	decide(u, 0, 1);
	model_yield(t);
	assert_true(u->running);
	model_sleep(u); /* prev not queued any more: not kept */
	assert_int_equal(total().kept, 2);
	assert_false(u->running);
}

/* ---- the worker ---- */

static void worker_taken_for_work(void **state)
{
	struct model_task *w, *t;

	(void)state;
	machine(2);
	w = worker();
	model_wake(w);
	model_run_all();
	assert_int_equal(at(w), DSQ_WORKER); /* nothing to do, no heartbeat due */
	busy();
	t = held(100, 3);
	model.cpu[0].curr->p.scx.slice = 0;
	model_schedule(0);
	assert_true(w->running);
	assert_int_equal(w->p.scx.slice, WORKER_SLICE_NS);
	assert_int_equal(total().worker_runs, 1);
	model_exit(model.cpu[0].local.first); /* the busy one, preempted */
	empty_records();
	decide(t, 0, 1);
	model_yield(w);
	assert_true(t->running);
	assert_int_equal(at(w), DSQ_WORKER);
	model_advance(config()->heartbeat_ns + 1);
	model_yield(t);
	assert_true(w->running); /* a sign of life is due */
}

/* A verdict for the task: CPU 0 if it is idle. */
static void decide_if_idle(struct model_task *t)
{
	struct scxlua_verdict v = verdict_for(t, 0, 1);

	v.flags = SCX_IF_IDLE;
	model_verdict(&v);
}

/* The CPU that the worker was woken on can be decided for, as if it were idle; once. */
static void worker_cpu_is_idle(void **state)
{
	struct model_task *w, *a, *b, *c;

	(void)state;
	machine(2);
	w = worker();
	model_wake(w);
	model_run_all();
	a = held(100, 1); /* wakes CPU 0, which has nothing but the worker */
	model_run_all();
	assert_true(w->running && w->cpu == 0);
	assert_int_equal(cpu_row(0)->task_pid, 0);
	assert_int_equal(cpu_row(0)->idle, 1);
	b = held(101, 1);
	empty_records();
	decide_if_idle(a);
	decide_if_idle(b);
	model.this_cpu = 1;
	drain_verdicts(); /* by another CPU, while the worker runs */
	assert_int_equal(at(a), DSQ_CPU + 0);
	assert_int_equal(at(b), DSQ_SHARED);
	assert_int_equal(total().idle_missed, 1);
	assert_int_equal(cpu_row(0)->idle, 0);
	model_yield(w);
	assert_true(a->running);
	assert_int_equal(cpu_row(0)->task_pid, 100);
	/* Somebody waits there already. */
	c = held(102, 1);
	model_yield(a);
	assert_true(w->running);
	assert_int_equal(cpu_row(0)->idle, 0);
	empty_records();
	decide_if_idle(c);
	model_yield(w); /* drains itself */
	assert_int_equal(at(c), DSQ_SHARED);
	assert_int_equal(total().idle_missed, 2);
	/* Neither does it stay so when the worker has gone, nor is it the kernel's to give out. */
	assert_int_equal(cpu_row(0)->idle, 0);
	assert_int_equal(worker_cpu, -1);
}

/* The idle CPU that a wakeup takes for a task is still that task's while it wakes up. */
static void woken_cpu_is_idle(void **state)
{
	struct model_task *w, *a, *b;

	(void)state;
	machine(2);
	w = worker();
	model_wake(w);
	model_run_all();
	held(100, 2);
	model_run_all();
	assert_true(w->running && w->cpu == 1);
	empty_records();
	a = held(101, 3);
	assert_int_equal(model.cpu[0].idle, 0);
	assert_int_equal(ctx(a)->woken, 1);
	decide_if_idle(a);
	model.this_cpu = 1;
	drain_verdicts();
	assert_int_equal(at(a), DSQ_CPU + 0);
	b = held(102, 3); /* for which nothing was idle */
	assert_int_equal(ctx(b)->woken, 0);
	decide_if_idle(b);
	drain_verdicts();
	assert_int_equal(at(b), DSQ_SHARED);
	model_run_all();
	assert_true(a->running);
	assert_int_equal(ctx(a)->woken, 0);
	/* Woken for a task, and then busy with another. */
	model_exit(a);
	model_exit(b);
	a = held(103, 3);
	assert_int_equal(ctx(a)->woken, 1);
	cpu_row(0)->task_pid = 4711;
	decide_if_idle(a);
	drain_verdicts();
	assert_int_equal(at(a), DSQ_SHARED);
	assert_int_equal(total().idle_missed, 2);
}

/* A tick that is due gets the worker a CPU: an idle one, or the one it had, interrupted. */
static void tick_wakes_the_worker(void **state)
{
	struct model_task *w;
	u64 guarded;

	(void)state;
	machine(2);
	w = worker();
	model_wake(w);
	model_run_all();
	assert_int_equal(at(w), DSQ_WORKER);
	control.due_ns = model.now + 3 * MS;
	assert_false(worker_wanted(0, model.now + 3 * MS - 1));
	assert_true(worker_wanted(0, model.now + 3 * MS));
	model_timer_fire();
	assert_int_equal(model.timer_at, control.due_ns);
	guarded = guarded_ns;
	model_advance(3 * MS);
	model_timer_fire();
	assert_int_equal(model.timer_at, model.now + 1 * MS); /* until it has run */
	assert_int_equal(guarded_ns, guarded);		      /* no time to look at all else */
	model_run_all();
	assert_true(w->running);
	control.due_ns = model.now + 3 * MS;
	model_yield(w);
	assert_int_equal(at(w), DSQ_WORKER);
	busy();
	model_advance(3 * MS);
	model_timer_fire();
	assert_int_equal(model.cpu[w->cpu].kicks_preempt, 0); /* a CPU may be idle in a moment */
	model_advance(TICK_GRACE_NS);
	model_timer_fire();
	assert_int_equal(model.cpu[w->cpu].kicks_preempt, 1);
	model_advance(config()->hold_ns / 2);
	model_timer_fire();
	assert_int_equal(guarded_ns, model.now);
	/* A tick that is far, none at all, and nobody to be asked. */
	control.due_ns = model.now + 3600 * 1000 * MS;
	model_timer_fire();
	assert_int_equal(model.timer_at, model.now + config()->hold_ns / 2);
	control.due_ns = 0;
	assert_int_equal(guard_pause(model.now), config()->hold_ns / 2);
	assert_false(tick_due(model.now));
	control.due_ns = 1;
	assert_true(tick_due(model.now));
	control.worker_pid = 0;
	assert_int_equal(guard_pause(model.now), config()->hold_ns / 2);
	assert_false(tick_due(model.now));
}

/* Two tasks on one CPU, and the policy wants the one that has just used up its slice again. */
static void worker_before_the_next(void **state)
{
	struct model_task *w, *a, *b;

	(void)state;
	machine(1);
	w = worker();
	model_wake(w);
	a = plain(100, 1);
	model_wake(a);
	model_run_all();
	decide(a, SCX_CPU_ANY, 1);
	model_yield(w);
	assert_true(a->running);
	b = held(101, 1);
	empty_records();
	decide(b, SCX_CPU_ANY, 10);
	model.this_cpu = 0;
	drain_verdicts();
	model_advance(5 * MS); /* a's slice */
	model_schedule(0);
	assert_true(w->running);
	assert_int_equal(at(a), DSQ_HOLD + 0);
	take_enqueue(a);
	decide(a, SCX_CPU_ANY, 2);
	model_yield(w);
	assert_true(a->running);
	/* Interrupted: whoever is next is not to wait for the worker. */
	model_advance(1 * MS);
	a->p.scx.slice = 0;
	model_schedule(0);
	assert_true(b->running);
	/* Alone: it goes on, and nobody is asked. */
	model_exit(a);
	empty_records();
	model_advance(5 * MS);
	model_schedule(0);
	assert_true(b->running);
}

static void worker_wanted_conditions(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	busy();
	model_advance(10 * MS);
	worker_last_run = model.now;
	assert_false(worker_wanted(0, model.now));
	control.held = 1;
	assert_true(worker_wanted(0, model.now));
	control.stalled = 1;
	assert_false(worker_wanted(0, model.now + NSEC_PER_MSEC - 1));
	assert_true(worker_wanted(0, model.now + NSEC_PER_MSEC));
	control.stalled = 0;
	/* Enough is decided for the CPUs there are. */
	t = held(100, 3);
	decide(t, SCX_CPU_ANY, 1);
	t = held(101, 3);
	decide(t, 0, 1);
	model.this_cpu = 0;
	drain_verdicts();
	empty_records();
	assert_false(worker_wanted(0, model.now));
	assert_true(worker_wanted(1, model.now)); /* that CPU's own queue is empty */
	control.held = 0;
	assert_false(worker_wanted(1, model.now));
	assert_true(worker_wanted(0, model.now + config()->heartbeat_ns + 1));
	held(102, 3);
	assert_true(worker_wanted(0, model.now));
}

static void worker_hogs_not(void **state)
{
	struct model_task *w, *a, *b;

	(void)state;
	machine(1);
	w = worker();
	a = plain(100, 1);
	b = plain(101, 1);
	model_wake(a);
	model_wake(b);
	decide(a, 0, 1);
	decide(b, 0, 2);
	model_wake(w);
	model_schedule(0);
	assert_true(w->running); /* there are records, never taken */
	worker_hog = WORKER_SLICES - 1;
	model_advance(WORKER_SLICE_NS);
	model_schedule(0);
	assert_true(a->running);
	assert_int_equal(worker_hog, WORKER_SLICES);
	model_yield(a);
	assert_true(b->running); /* not the worker: it used up its slices */
	assert_int_equal(worker_hog, 0);
	model_yield(b);
	assert_true(w->running);
	model_advance(1 * MS);
	model_yield(w);
	assert_int_equal(worker_hog, 0);
}

static void worker_hog_runs_when_alone(void **state)
{
	struct model_task *w;

	(void)state;
	machine(1);
	w = worker();
	held(100, 1);
	model_wake(w);
	worker_hog = WORKER_SLICES;
	model_schedule(0);
	assert_true(w->running); /* out of turn, as nobody else is there */
}

static void worker_overdue_preempts(void **state)
{
	struct model_task *w, *t;

	(void)state;
	machine(1);
	w = worker();
	model_wake(w);
	t = plain(100, 1);
	t->p.flags = PF_KTHREAD;
	model_wake(t);
	model_run_all();
	assert_true(t->running);
	held(101, 1);
	model_advance(config()->hold_ns / 4);
	model_tick(0);
	assert_true(t->p.scx.slice > 0);
	model_advance(1);
	model_tick(0);
	assert_int_equal(t->p.scx.slice, 0);
	t->p.scx.slice = 1 * MS;
	model_timer_fire();
	assert_int_equal(model.cpu[0].kicks_preempt, 1);
	model_run_all();
	assert_true(w->running);
}

static void bypass_and_shared_take_turns(void **state)
{
	struct model_task *t;
	int i, bypassed = 0;

	(void)state;
	machine(1);
	busy();
	for (i = 0; i < 4; i++) {
		t = held(100 + i, 1);
		decide(t, SCX_CPU_ANY, 1);
	}
	drain_verdicts();
	control.bypass = 1;
	for (i = 0; i < 4; i++) {
		t = plain(200 + i, 1);
		model_wake(t);
	}
	empty_records();
	for (i = 0; i < 4; i++) {
		model_dispatch(0);
		bypassed += model.cpu[0].local.last->p.pid >= 200;
	}
	assert_int_equal(bypassed, 2);
}

/* ---- life cycle ---- */

static void exit_record(void **state)
{
	struct model_task *t;
	struct scxlua_record rec;
	u64 cookie;

	(void)state;
	machine(1);
	busy();
	t = plain(100, 1);
	model_exit(t);
	assert_false(model_take_record(&rec)); /* never offered, never mentioned */
	t = held(101, 1);
	cookie = ctx(t)->cookie;
	empty_records();
	model_exit(t);
	assert_true(model_take_record(&rec));
	assert_int_equal(rec.kind, SCXLUA_REC_EXIT);
	assert_int_equal(rec.pid, 101);
	assert_int_equal(rec.cookie, cookie);
	assert_int_equal(rec.seq, 0);
	assert_int_equal(rec.comm[15], 0);
	assert_false(model_take_record(&rec));
	assert_int_equal(total().cancelled, 1);
	t = held(102, 1);
	model.record_cap = 0;
	model_exit(t);
	assert_int_equal(control.lost_exits, 1);
	/* The end of a thread that no quiescent was told of. */
	model.record_cap = 10;
	t = held(103, 1);
	scxlua_ops.exit_task(&t->p, NULL);
	assert_int_equal(total().exited, 1);
	assert_int_equal(total().queued, total().cancelled + total().exited);
}

static void hotplug(void **state)
{
	struct model_task *a, *b, *c;
	struct scxlua_record rec;

	(void)state;
	machine(2);
	busy();
	a = held(100, 3);
	while (a->cpu != 1)
		model_setaffinity(a, 2), model_setaffinity(a, 3);
	b = held(101, 2);
	c = held(102, 3);
	decide(b, 1, 1);
	decide(c, 1, 1);
	model.this_cpu = 0;
	drain_verdicts();
	b->mask.bits[0] = 3; /* as the core does for who is left without a CPU */
	empty_records();
	model_exit(model.cpu[1].curr);
	model_hotplug(1, 0);
	assert_int_equal(cpu_row(1)->online, 0);
	assert_int_equal(control.nr_online, 1);
	assert_true(model_take_record(&rec));
	while (rec.kind != SCXLUA_REC_CPU)
		assert_true(model_take_record(&rec));
	assert_int_equal(rec.cpu, 1);
	assert_int_equal(rec.flags, 0);
	model_advance(1);
	model_timer_fire();
	assert_int_equal(model_queue(DSQ_HOLD + 1)->count, 0);
	assert_int_equal(model_queue(DSQ_CPU + 1)->count, 0);
	model_hotplug(1, 1);
	assert_int_equal(cpu_row(1)->online, 1);
	assert_int_equal(control.nr_online, 2);
	empty_records();
	model.record_cap = 0; /* seen in the row all the same */
	model_hotplug(1, 0);
	assert_int_equal(cpu_row(1)->online, 0);
}

static void affinity_and_idle_seen(void **state)
{
	struct model_task *t;
	struct scxlua_record rec;

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	empty_records();
	model_setaffinity(t, 1);
	take_affinity(t, 1);
	assert_true(model_take_record(&rec));
	assert_int_equal(rec.cpumask_seq, 1);
	assert_int_equal(rec.nr_cpus_allowed, 1);
	assert_int_equal(total().cancelled, 1);
	machine(2);
	t = plain(100, 3);
	control.builtin_idle = 1;
	model_wake(t);
	model_run_all();
	assert_int_equal(cpu_row(0)->idle, 0);
	assert_int_equal(cpu_row(0)->task_pid, 100);
	assert_int_equal(cpu_row(0)->since_ns, model.now);
	model_advance(1 * MS);
	model_sleep(t);
	assert_int_equal(cpu_row(0)->idle, 1);
	assert_int_equal(cpu_row(0)->task_pid, 0);
	assert_int_equal(ctx(t)->exec_ns, 0); /* since it last slept */
	assert_int_equal(ctx(t)->vtime, 1 * MS);
}

static void kind_not_yet(void)
{
	assert_int_equal(exit_info.kind, 0);
}

static void exit_info_kind_last(void **state)
{
	static char reason[] = "because", msg[] = "of this", dump[] = "d";
	struct scx_exit_info ei = {
		.kind = 64, .exit_code = 7, .reason = reason, .msg = msg, .dump = dump
	};

	(void)state;
	machine(1);
	model.on_read = kind_not_yet;
	scxlua_ops.exit(&ei);
	assert_int_equal(exit_info.kind, 64);
	assert_int_equal(exit_info.code, 7);
	assert_string_equal(exit_info.reason, "because");
	assert_string_equal(exit_info.msg, "of this");
}

static void dump_says(void **state)
{
	struct scx_dump_ctx dctx = { .kind = 0 };

	(void)state;
	machine(1);
	scxlua_ops.dump(&dctx);
	assert_non_null(strstr(model.dump, "policy="));
	assert_non_null(strstr(model.dump, "last error"));
}

static void control_ops(void **state)
{
	struct scxlua_op_args args = { .op = 0 };
	struct model_task *t;

	(void)state;
	machine(1);
	assert_int_equal(scxlua_op(&args), -EINVAL);
	args.op = SCXLUA_OP_OWN;
	args.arg = SCXLUA_NR_OWN;
	assert_int_equal(scxlua_op(&args), -EINVAL);
	args.arg = -1;
	assert_int_equal(scxlua_op(&args), -EINVAL);
	assert_int_equal(control.worker_pid, WORKER_PID);
	activate(SCXLUA_OWN_WORKER1);
	assert_int_equal(control.worker_pid, LOADING_PID);
	activate(SCXLUA_NR_OWN);
	assert_int_equal(control.worker_pid, 0);
	activate(SCXLUA_OWN_WORKER0);
	activate(-1);
	assert_int_equal(control.worker_pid, 0);
	args = (struct scxlua_op_args){ .op = SCXLUA_OP_ALIVE, .pid = 100, .result = 5 };
	assert_int_equal(scxlua_op(&args), 0);
	assert_int_equal(args.result, 0);
	t = plain(100, 1);
	args.cookie = ctx(t)->cookie;
	assert_int_equal(scxlua_op(&args), 0);
	assert_int_equal(args.result, 1);
	args.cookie++;
	assert_int_equal(scxlua_op(&args), 0);
	assert_int_equal(args.result, 0);
	model_check();
}

/* ---- faults ---- */

static void faults(void **state)
{
	struct model_task *t[4];
	struct scxlua_verdict v;
	int i;

	(void)state;
	machine(2);
	busy();
	config()->fault_drop = 2;
	for (i = 0; i < 4; i++) {
		t[i] = held(100 + i, 3);
		decide(t[i], SCX_CPU_ANY, 1);
	}
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(total().decided, 2);
	assert_int_equal(total().injected, 2);

	machine(2);
	busy();
	config()->fault_ring_full = 2;
	for (i = 0; i < 4; i++)
		model_wake(plain(100 + i, 3));
	assert_int_equal(total().congested, 2);
	assert_int_equal(total().injected, 2);

	machine(2);
	busy();
	config()->fault_wrong_cpu = 2;
	for (i = 0; i < 4; i++) {
		t[i] = held(100 + i, 3);
		decide(t[i], 1, 1);
	}
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(total().decided, 4);
	assert_int_equal(total().bounced, 2);
	assert_int_equal(total().injected, 2);

	machine(2);
	busy();
	config()->fault_no_drain = 1;
	t[0] = held(100, 3);
	decide(t[0], 1, 1);
	model_dispatch(0);
	assert_int_equal(total().decided, 0);

	machine(2);
	busy();
	config()->fault_no_age = 1;
	t[0] = held(100, 3);
	model_advance(10 * config()->starve_ns);
	heartbeat();
	model_dispatch(0);
	model_timer_fire();
	assert_int_equal(at(t[0]), DSQ_HOLD + t[0]->cpu);

	machine(2);
	busy();
	config()->fault_no_starve = 1;
	t[0] = held(100, 3);
	decide(t[0], SCX_CPU_ANY, 1);
	model.this_cpu = 0;
	drain_verdicts();
	model_advance(10 * config()->starve_ns);
	model_timer_fire();
	assert_int_equal(at(t[0]), DSQ_SHARED);

	machine(2);
	busy();
	config()->fault_no_stale = 1;
	t[0] = held(100, 3);
	v = verdict_for(t[0], SCX_CPU_ANY, 1);
	v.seq += 5;
	v.cookie += 5;
	model_verdict(&v);
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(total().stale + total().gone, 0);
	assert_int_equal(at(t[0]), DSQ_SHARED); /* the wrong decision is carried out */
}

/* The same paths under the names of 6.12. */
static void old_names(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	model.old_kernel = 1;
	t = plain(100, 2);
	model_wake(t);
	decide(t, 1, 1);
	model_run_all();
	assert_true(t->running);
	model_advance(5 * MS);
	model_schedule(1);
	assert_true(t->running);
	assert_int_equal(t->p.scx.slice, config()->slice_ns);
	control.bypass = 1;
	model_yield(t);
	model_advance(config()->starve_ns);
	model_timer_fire();
	model_exit_all();
}

/* ---- found in review ---- */

/* A record that comes while the worker runs, just before it yields: the CPU must not go idle. */
static void review_yield_with_record(void **state)
{
	struct model_task *w;

	(void)state;
	machine(1);
	w = worker();
	held(100, 1);
	model_wake(w);
	model_run_all();
	assert_true(w->running);
	empty_records();
	held(101, 1);
	model_yield(w);
	model_run_all();
	assert_true(w->running);
}

/* The worker loses its CPU in the middle of a batch; the ring is empty, it has taken it all. */
static void review_resume_mid_batch(void **state)
{
	struct model_task *w;

	(void)state;
	machine(1);
	w = worker();
	held(100, 1);
	model_wake(w);
	model_run_all();
	assert_true(w->running);
	empty_records();
	control.busy = 1;		/* in the middle of engine_cycle() */
	model_advance(WORKER_SLICE_NS); /* no yield: the slice ended */
	model_schedule(0);
	model_run_all();
	model_advance(1 * MS);
	model_schedule(0);
	assert_true(w->running);
}

/* Its records were taken in the same turn: nothing is overdue, nobody is interrupted for it. */
static void review_not_overdue(void **state)
{
	struct model_task *w, *t;

	(void)state;
	machine(1);
	w = worker();
	t = held(100, 1);
	model_wake(w);
	model_run_all();
	assert_true(w->running);
	held(101, 1);	 /* comes while the worker runs */
	empty_records(); /* and is taken by it */
	decide(t, 0, 1);
	model_yield(w);
	assert_true(t->running);
	t->p.scx.slice = 20 * MS;
	model_advance(config()->hold_ns / 4 + 1);
	model_tick(0);
	assert_true(t->p.scx.slice > 0);
}

/* The worker's memory is not to be trusted with the watchdog. */
static void review_slice_clamped(void **state)
{
	struct model_task *t;
	struct scxlua_verdict v;

	(void)state;
	machine(1);
	busy();
	t = held(100, 1);
	v = verdict_for(t, 0, 1);
	v.slice_ns = ~0ull; /* SCX_SLICE_INF: no tick ends it */
	model_verdict(&v);
	drain_verdicts();
	assert_true(t->p.scx.slice <= config()->max_slice_ns);
}

/* The kernel calls no ops.dispatch on a CPU that goes, but serves its global queue there. */
static void review_pinned_on_offline_cpu(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	busy();
	t = held(100, 2);
	model_exit(model.cpu[1].curr);
	model_hotplug(1, 0);
	model_advance(1);
	model_timer_fire();
	assert_int_equal(model_where(t), SCX_DSQ_GLOBAL);
}

/* The core skips ops.select_cpu for a task with one CPU: SCX_ENQ_CPU_SELECTED is not set. */
static void review_pinned_takes_idle_cpu(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	control.builtin_idle = 1;
	t = plain(100, 2);
	model_wake(t);
	assert_int_equal(at(t), LOCAL_ID);
}

/* Work came to the shared queue after this CPU's last look, when it was not idle yet. */
static void review_idle_looks_again(void **state)
{
	struct model_task *a, *b;

	(void)state;
	machine(2);
	busy();
	a = held(100, 3);
	b = held(101, 3);
	decide(a, SCX_CPU_ANY, 1);
	decide(b, SCX_CPU_ANY, 2);
	model_dispatch(0);
	assert_int_equal(at(b), DSQ_SHARED);
	model.cpu[1].curr = NULL;
	model.cpu[1].idle = 1;
	scxlua_ops.update_idle(1, true);
	assert_true(model.cpu[1].kicks_idle > 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		T(enqueue_goes_to_hold),
		T(affinity_is_told),
		T(affinity_finds_the_ring_full),
		T(direct_paths),
		T(direct_hogs_take_turns),
		T(builtin_idle),
		T(bypass_conditions),
		T(ring_full),
		T(no_context_ejects),
		T(reasons),
		T(decision_moves),
		T(decision_kicks),
		T(no_kick_for_who_drains),
		T(decision_if_idle),
		T(kick_verdicts),
		T(decision_wrong),
		T(decision_early),
		T(decision_early_retried),
		T(dequeued_while_claimed),
		T(pid_reuse),
		T(drain_busy_leaves_note),
		T(drain_is_bounded),
		T(age_out_by_head),
		T(aged_head_gets_idle_cpu),
		T(starved_moves),
		T(starved_found_from_the_end),
		T(starve_share),
		T(starved_slice_bounded),
		T(keep_prev_slices),
		T(worker_taken_for_work),
		T(worker_cpu_is_idle),
		T(woken_cpu_is_idle),
		T(tick_wakes_the_worker),
		T(worker_before_the_next),
		T(worker_wanted_conditions),
		T(worker_hogs_not),
		T(worker_hog_runs_when_alone),
		T(worker_overdue_preempts),
		T(bypass_and_shared_take_turns),
		T(exit_record),
		T(hotplug),
		T(affinity_and_idle_seen),
		T(exit_info_kind_last),
		T(dump_says),
		T(control_ops),
		T(faults),
		T(old_names),
		T(review_yield_with_record),
		T(review_resume_mid_batch),
		T(review_not_overdue),
		T(review_slice_clamped),
		T(review_pinned_on_offline_cpu),
		T(review_pinned_takes_idle_cpu),
		T(review_idle_looks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
