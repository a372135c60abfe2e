// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bpf_guard.c - the limits on waiting: who is not decided ages out, who is decided and not
 * run is rescued, whatever the worker does.
 */
#include "rig.h"

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

/* The limit grows with what the policy says that it holds, but a worker that is gone says nothing. */
static void hold_limit_of_the_bypassed(void **state)
{
	(void)state;
	machine(2);
	control.held = 10;
	assert_int_equal(hold_limit(model.now), 7 * config()->hold_ns);
	control.bypass = 1;
	assert_int_equal(hold_limit(model.now), config()->hold_ns);
	control.bypass = 0;
	model_advance(config()->late_ns + 1);
	control.busy = 1; /* in the middle of a cycle that does not end */
	assert_int_equal(hold_limit(model.now), config()->hold_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(age_out_by_head),
		TEST(aged_head_gets_idle_cpu),
		TEST(hold_limit_of_the_bypassed),
		TEST(starved_moves),
		TEST(starved_found_from_the_end),
		TEST(starved_slice_bounded),
	};

	return cmocka_run_group_tests_name("bpf_guard", tests, NULL, NULL);
}
