// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bpf_worker.c - the worker's share: when it gets a CPU, before whom, for how long, and that
 * the CPU it was woken on counts as idle.
 */
#include "rig.h"

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

/* A record that comes while the worker runs, just before it yields: the CPU must not go idle. */
static void yield_with_record(void **state)
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
static void resume_mid_batch(void **state)
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

/* A verdict for the task: CPU 0 if it is idle. */
static void decide_if_idle(struct model_task *t)
{
	decide_flags(t, 0, SCX_IF_IDLE);
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

/* Its records were taken in the same turn: nothing is overdue, nobody is interrupted for it. */
static void not_overdue(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(worker_taken_for_work),   TEST(yield_with_record),
		TEST(resume_mid_batch),	       TEST(worker_cpu_is_idle),
		TEST(woken_cpu_is_idle),       TEST(tick_wakes_the_worker),
		TEST(worker_before_the_next),  TEST(worker_wanted_conditions),
		TEST(worker_hogs_not),	       TEST(worker_hog_runs_when_alone),
		TEST(worker_overdue_preempts), TEST(not_overdue),
	};

	return cmocka_run_group_tests_name("bpf_worker", tests, NULL, NULL);
}
