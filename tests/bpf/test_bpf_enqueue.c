// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bpf_enqueue.c - where each enqueue path puts a task, and what the worker is told of it:
 * the hold queues, the ways past the policy, the record and the affinity before it.
 */
#include "rig.h"

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

/* Two kernel threads on a CPU: the first runs, the second waits on the local queue. */
static void two_direct(struct model_task *k[2])
{
	int i;

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
}

/* What goes past the policy takes turns with the others once it has used up a slice: while a local
 * queue has tasks, ops.dispatch is not called. Ending threads always do, there may be crowds. */
static void direct_hogs_take_turns(void **state)
{
	struct model_task *t, *k[2];

	(void)state;
	two_direct(k);
	model_advance(1 * MS);
	model_preempt(k[0]); /* with slice left: at once */
	assert_int_equal(at(k[0]), LOCAL_ID);
	assert_true(k[1]->running);
	model_advance(config()->slice_ns);
	model_preempt(k[1]);
	assert_int_equal(at(k[1]), DSQ_BYPASS);
	assert_true(k[0]->running);
	machine(1);
	busy();
	t = plain(100, 1);
	t->p.flags = PF_EXITING;
	model_wake(t);
	assert_int_equal(at(t), DSQ_BYPASS);
	assert_int_equal(total().queued, 0);
}

/* Two that never use up a slice, and never leave the local queue empty: those who wait, decided or not,
 * get every second turn all the same, however many they are and whatever the hold limit is. */
static void direct_crowds_take_turns(void **state)
{
	struct model_task *t[20], *k[2], *curr;
	int i, n, done, is_decided;

	(void)state;
	for (is_decided = 0; is_decided < 2; is_decided++) {
		two_direct(k);
		config()->hold_ns = is_decided ? 500 * MS : 20 * MS;
		for (n = 0; n < 20; n++) {
			t[n] = held(100 + n, 1);
			if (is_decided)
				decide(t[n], SCX_CPU_ANY, 1);
		}
		control.bypass = !is_decided; /* no worker that a decision comes from */
		for (i = done = 0; i < 1000 && done < 20; i++) {
			model_advance(1 * MS);
			heartbeat();
			curr = model.cpu[0].curr;
			if (curr == k[0] || curr == k[1]) {
				model_preempt(curr);
				continue;
			}
			model_exit(curr); /* had its turn */
			done++;
		}
		assert_int_equal(done, 20);
		assert_in_range(i, 20 * 2, 20 + 20 * (2 + DIRECT_NS / MS));
	}
}

/* A slice of somebody else's, however long, is no crowd. */
static void direct_after_a_long_slice(void **state)
{
	struct model_task *hog, *t, *k;

	(void)state;
	machine(1);
	control.builtin_idle = 1;
	hog = plain(99, 1);
	model_wake(hog);
	model_run_all();
	assert_true(hog->running);
	model_advance(100 * MS);
	heartbeat();
	t = held(100, 1);
	k = plain(200, 1);
	k->p.flags = PF_KTHREAD;
	model_wake(k);
	assert_int_equal(at(k), LOCAL_ID);
	assert_int_equal(at(t), DSQ_HOLD);
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

/* The core skips ops.select_cpu for a task with one CPU: SCX_ENQ_CPU_SELECTED is not set. */
static void pinned_takes_idle_cpu(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	control.builtin_idle = 1;
	t = plain(100, 2);
	model_wake(t);
	assert_int_equal(at(t), LOCAL_ID);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(enqueue_goes_to_hold),
		TEST(affinity_is_told),
		TEST(affinity_finds_the_ring_full),
		TEST(direct_paths),
		TEST(direct_hogs_take_turns),
		TEST(direct_crowds_take_turns),
		TEST(direct_after_a_long_slice),
		TEST(builtin_idle),
		TEST(pinned_takes_idle_cpu),
		TEST(bypass_conditions),
		TEST(ring_full),
		TEST(no_context_ejects),
		TEST(reasons),
	};

	return cmocka_run_group_tests_name("bpf_enqueue", tests, NULL, NULL);
}
