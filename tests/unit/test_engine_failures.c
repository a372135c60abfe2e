// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_engine_failures.c - the cycle when the policy fails, there is none, or the ring to the
 * kernel is full: who gets the default, and what waits.
 */
#include "engine_rig.h"

static int enqueue_then_fail(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	rig_enqueue(p, tasks, n);
	decide(tasks[0], 1, MS, 77, 0);
	return -1;
}

static void failed_enqueue_gets_defaults(void **state)
{
	struct scx_task *task;
	struct scxlua_verdict v;

	(void)state;
	rig.queue = scx_heap_new(SLOTS);
	task = one_task(3);
	decide(task, 0, 0, 555, 0);
	engine_flush(rig.engine);
	take_verdict(&v);
	rig.ops.enqueue = enqueue_then_fail;
	for (uint64_t c = 1; c <= 3; c++)
		put_enqueue(c, 2, 100, 0);
	engine_cycle(rig.engine);
	assert_int_equal(rig.stats.policy_errors, 1);
	assert_int_equal(rig.stats.defaulted, 2);
	assert_int_equal(scx_queue_len(rig.queue), 0);
	take_verdict(&v); /* what was decided before the error stands */
	assert_true(v.cookie == 1 && v.cpu == 1 && v.vtime == 77);
	take_verdict(&v);
	assert_true(v.cookie == 2 && v.cpu == SCX_CPU_ANY && v.slice_ns == DEFAULT_SLICE);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == 3 && v.vtime == 555 && v.seq == 2);
	assert_int_equal(take_verdict(&v), 0);
	assert_int_equal(rig.stats.committed, 4);
}

static int dispatch_then_fail(struct policy *p, uint32_t room)
{
	rig_dispatch(p, room);
	decide(rig.told[0], 1, MS, 77, 0);
	return -1;
}

static void failed_dispatch_keeps_its_decisions(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	rig.ops.dispatch = dispatch_then_fail;
	put_enqueue(1, 1, 100, 0);
	put_enqueue(2, 1, 100, 0);
	engine_cycle(rig.engine);
	assert_int_equal(rig.stats.policy_errors, 1);
	assert_int_equal(rig.stats.defaulted, 0);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == 1);
	assert_int_equal(take_verdict(&v), 0);
	assert_int_equal(rig.control.held, 1);
}

static void failed_event_hooks_are_counted(void **state)
{
	(void)state;
	one_task(1);
	rig.ret = -1;
	rig.ops.dispatch = NULL;
	put_event(SCXLUA_REC_EXIT, 1, 0, 0);
	put_event(SCXLUA_REC_CPU, 0, 2, 0);
	engine_cycle(rig.engine);
	assert_int_equal(rig.stats.policy_errors, 2);
	assert_int_equal(table_len(rig.table), 0);
}

static void without_a_policy_all_is_default(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	engine_set_policy(rig.engine, NULL);
	put_enqueue(1, 1, 100, 0);
	put_event(SCXLUA_REC_EXIT, 1, 0, 0);
	put_event(SCXLUA_REC_CPU, 0, 2, 1);
	engine_cycle(rig.engine);
	engine_idle(rig.engine);
	assert_int_equal(take_verdict(&v), 1);
	assert_int_equal(rig.stats.defaulted, 1);
	assert_int_equal(rig.stats.policy_errors, 0);
}

static int deciding_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	for (uint32_t i = 0; i < n; i++) {
		assert_true(engine_outbox(rig.engine)->n < ENGINE_OUTBOX);
		decide(tasks[i], 0, 0, 0, 0);
	}
	rig.nr_told += n;
	return 0;
}

/* With the ring to the kernel full, tasks come as long as decisions about them can be kept. */
static void full_outbox_stops_the_drain(void **state)
{
	struct scx_task *task = one_task(100);

	(void)state;
	while (uring_reserve(&rig.out))
		;
	uring_publish(&rig.out);
	rig.ops.enqueue = deciding_enqueue;
	rig.ops.dispatch = NULL;
	rig.nr_told = 0;
	for (int i = 0; i < ENGINE_OUTBOX - 5; i++)
		decide(task, 0, 0, 0, 0);
	for (uint64_t c = 1; c <= 10; c++)
		put_enqueue(c, 1, 100, 0);
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, 5);
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, 5);
	rig.out_consumer = rig.out_producer;
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, 10);
}

static void full_ring_at_an_error_leaves_tasks_held(void **state)
{
	(void)state;
	while (uring_reserve(&rig.out))
		;
	rig.ret = -1;
	rig.ops.dispatch = NULL;
	put_enqueue(1, 1, 100, 0);
	engine_cycle(rig.engine);
	assert_int_equal(rig.stats.outbox_full, 1);
	assert_int_equal(rig.stats.defaulted, 0);
	assert_int_equal(table_find(rig.table, 1)->held_, 1);
	rig.ret = 0;
	put_enqueue(1, 2, 300, 200); /* the kernel has aged it out: it comes again */
	engine_cycle(rig.engine);
	assert_int_equal(rig.stats.forgotten, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(failed_enqueue_gets_defaults),
		WITH_RIG(failed_dispatch_keeps_its_decisions),
		WITH_RIG(failed_event_hooks_are_counted),
		WITH_RIG(without_a_policy_all_is_default),
		WITH_RIG(full_outbox_stops_the_drain),
		WITH_RIG(full_ring_at_an_error_leaves_tasks_held),
	};

	return cmocka_run_group_tests_name("engine_failures", tests, NULL, NULL);
}
