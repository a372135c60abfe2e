// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bpf_verdict.c - what each decision of the worker does: moves, kicks, and what is refused
 * because it is wrong, late, early or not for this task any more; and who drains, how long.
 */
#include "rig.h"

#include <limits.h>

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

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	decide_flags(t, 1, SCX_PREEMPT);
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
	decide_flags(t, 1, SCX_PREEMPT);
	model_dispatch(1);
	assert_int_equal(at(t), LOCAL_ID);
	t = held(101, 3);
	decide_flags(t, SCX_CPU_ANY, SCX_PREEMPT);
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

	(void)state;
	machine(2);
	busy();
	a = held(100, 3);
	b = held(101, 3);
	model.cpu[1].idle = 1;
	decide_flags(a, 1, SCX_IF_IDLE);
	decide_flags(b, 1, SCX_IF_IDLE);
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
	decide_flags(pinned, 1, SCX_IF_IDLE);
	drain_verdicts();
	assert_int_equal(at(pinned), DSQ_CPU + 0);
	assert_int_equal(model.cpu[1].idle, 1);
	assert_int_equal(total().bounced, 1);
	/* Claimed for a task that was gone: the CPU is kicked, so that it is marked idle again. */
	a = held(103, 3);
	model.cpu[1].idle = 1;
	decide_flags(a, 1, SCX_IF_IDLE);
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

/* The worker's memory is not to be trusted with the watchdog. */
static void slice_clamped(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(decision_moves),	      TEST(decision_kicks), TEST(no_kick_for_who_drains),
		TEST(decision_if_idle),	      TEST(kick_verdicts),  TEST(decision_wrong),
		TEST(slice_clamped),	      TEST(decision_early), TEST(decision_early_retried),
		TEST(dequeued_while_claimed), TEST(pid_reuse),	    TEST(drain_busy_leaves_note),
		TEST(drain_is_bounded),
	};

	return cmocka_run_group_tests_name("bpf_verdict", tests, NULL, NULL);
}
