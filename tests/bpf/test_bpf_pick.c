// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bpf_pick.c - what a CPU that looks for work takes when several queues have some, and how
 * long whoever runs is kept.
 */
#include "rig.h"

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

/* Work came to the shared queue after this CPU's last look, when it was not idle yet. */
static void idle_looks_again(void **state)
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
	const struct CMUnitTest tests[] = {
		TEST(keep_prev_slices),
		TEST(bypass_and_shared_take_turns),
		TEST(starve_share),
		TEST(idle_looks_again),
	};

	return cmocka_run_group_tests_name("bpf_pick", tests, NULL, NULL);
}
