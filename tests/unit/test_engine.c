// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_engine.c - the cycle with a policy in C: what it is told of and when, the rules for tasks
 * that come twice, how much it may decide, its clock, and what a new engine takes over.
 */
#include "engine_rig.h"

#include <string.h>

/* ---- records ---- */

static void policy_is_told_once(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	put_enqueue(1, 1, 100, 50);
	engine_cycle(rig.engine);
	put_enqueue(1, 2, 200, 50); /* moved, but has not run since: the same wait */
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, 1);
	assert_int_equal(rig.stats.refreshed, 1);
	assert_int_equal(rig.stats.forgotten, 0);
	assert_true(rig.told[0]->enqueue_ns == 200);
	decide(rig.told[0], 0, 0, 0, 0);
	engine_flush(rig.engine);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.seq == 2); /* the decision answers the latest enqueue */
}

static void policy_is_told_again_of_what_ran_meanwhile(void **state)
{
	(void)state;
	rig.queue = scx_heap_new(SLOTS);
	put_enqueue(1, 1, 100, 50);
	engine_cycle(rig.engine);
	put_enqueue(1, 2, 200, 150);
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, 2);
	assert_int_equal(rig.stats.forgotten, 1);
	assert_int_equal(rig.stats.refreshed, 0);
	assert_int_equal(scx_queue_len(rig.queue), 1);
	assert_true(scx_heap_key(rig.queue) == 200);
}

static void task_is_once_in_a_batch(void **state)
{
	(void)state;
	put_enqueue(1, 1, 100, 50);
	put_enqueue(2, 1, 100, 50);
	put_enqueue(1, 2, 200, 150);
	put_enqueue(2, 2, 300, 250);
	put_enqueue(2, 3, 400, 350);
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, 2);
	assert_int_equal(rig.stats.refreshed, 3);
	assert_true(rig.told[0]->seq_ == 2 && rig.told[1]->seq_ == 3);
	assert_int_equal(rig.stats.received, 5);
}

static void decided_task_is_told_next_time(void **state)
{
	(void)state;
	decide(one_task(1), 0, 0, 0, 0);
	engine_flush(rig.engine);
	put_enqueue(1, 2, 200, 0);
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, 2);
	assert_int_equal(rig.stats.forgotten + rig.stats.refreshed, 0);
}

static void events_keep_their_place(void **state)
{
	(void)state;
	put_enqueue(1, 1, 100, 0);
	put_enqueue(2, 1, 100, 0);
	put_event(SCXLUA_REC_EXIT, 1, 0, 0);
	put_event(SCXLUA_REC_CPU, 0, 2, 0);
	put_enqueue(3, 1, 100, 0);
	put_event(SCXLUA_REC_CPU, 0, 2, 1);
	assert_int_equal(engine_cycle(rig.engine), 6);
	assert_string_equal(rig.calls, "ex-e+d");
	assert_int_equal(rig.stats.threads_gone, 1);
	assert_null(table_find(rig.table, 1));
	assert_int_equal(table_len(rig.table), 2);
}

static void exit_takes_a_task_out_of_its_queue(void **state)
{
	(void)state;
	rig.queue = scx_heap_new(SLOTS);
	for (uint64_t c = 1; c <= 3; c++)
		one_task(c);
	put_event(SCXLUA_REC_EXIT, 2, 0, 0);
	put_event(SCXLUA_REC_EXIT, 99, 0, 0);
	engine_cycle(rig.engine);
	assert_int_equal(scx_queue_len(rig.queue), 2);
	assert_int_equal(rig.stats.threads_gone, 2);
	assert_int_equal(rig.control.held, 0); /* dispatch() said so */
	assert_true(scx_heap_pop(rig.queue)->cookie_ == 1);
	assert_true(scx_heap_pop(rig.queue)->cookie_ == 3);
}

static void what_is_not_a_record_is_counted(void **state)
{
	(void)state;
	put_event(77, 1, 0, 0);
	put_event(0, 1, 0, 0);
	put_enqueue(0, 1, 100, 0);
	put_enqueue(5, 1, 100, 0);
	engine_cycle(rig.engine);
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, 1);
	assert_int_equal(rig.stats.bad_records, 3);
}

static void full_table_gets_the_default(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	for (uint64_t c = 1; c <= SLOTS + 2; c++)
		put_enqueue(c, 9, 100, 0);
	engine_cycle(rig.engine);
	assert_int_equal(rig.nr_told, SLOTS);
	assert_int_equal(rig.stats.table_full, 2);
	assert_int_equal(rig.stats.defaulted, 2);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == SLOTS + 1 && v.seq == 9 && v.pid == SLOTS + 1);
	assert_true(v.cpu == SCX_CPU_ANY && v.slice_ns == DEFAULT_SLICE && v.flags == 0);
}

static void cycle_is_bounded(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6 * ENGINE_BATCH; i++)
		put_enqueue(1 + i % SLOTS, i, i, i);
	engine_cycle(rig.engine);
	assert_int_equal(rig.stats.received, 4 * ENGINE_BATCH);
	engine_cycle(rig.engine);
	assert_int_equal(rig.stats.received, 6 * ENGINE_BATCH);
	assert_int_equal(engine_cycle(rig.engine), 0);
	assert_int_equal(rig.stats.cycles, 2);
	assert_int_equal(rig.stats.batches, rig.stats.batch_size.count);
	assert_int_equal(rig.stats.decide_ns.count, 2);
}

/* ---- dispatch ---- */

static void room_is_what_the_kernel_can_take(void **state)
{
	(void)state;
	rig.ops.dispatch = NULL;
	for (uint64_t c = 1; c <= 5; c++)
		one_task(c);
	rig.ops.dispatch = rig_dispatch;
	rig.control.shared_depth = 1;
	rig.cpus[1].queued = 2;
	engine_cycle(rig.engine);
	assert_int_equal(rig.room, 2 * (NR_CPUS - 1) - 3);
	decide(table_find(rig.table, 1), 0, 0, 0, 0);
	engine_cycle(rig.engine); /* commits that first, and nobody has taken it yet */
	assert_int_equal(rig.room, 2);
	rig.cpus[1].queued = 4;
	memset(rig.calls, 0, sizeof(rig.calls));
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "");
	rig.control.shared_depth = UINT32_MAX;
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "");
}

static void dispatch_needs_a_task(void **state)
{
	(void)state;
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "");
	decide(one_task(1), 0, 0, 0, 0);
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "ed");
}

static void room_is_never_more_than_fits(void **state)
{
	(void)state;
	rig.control.nr_online = 1u << 30;
	one_task(1);
	assert_int_equal(rig.room, ROOM);
	for (int i = 0; i < ROOM - 5; i++)
		uring_reserve(&rig.out);
	rig.control.nr_online = 1u << 30;
	engine_cycle(rig.engine);
	assert_int_equal(rig.room, 5);
}

static void held_is_the_smaller_of_two_claims(void **state)
{
	(void)state;
	rig.ret = 1000;
	one_task(1);
	assert_int_equal(rig.control.held, 1);
	rig.ret = 0;
	one_task(2);
	assert_int_equal(rig.control.held, 0);
	rig.control.shared_depth = 100; /* no room: not asked, so what is held counts */
	one_task(3);
	assert_int_equal(rig.control.held, 3);
	rig.ops.dispatch = NULL;
	engine_cycle(rig.engine);
	assert_int_equal(rig.control.held, 0);
}

static void every_cycle_is_a_heartbeat(void **state)
{
	double before = scx_now_ns();

	(void)state;
	assert_int_equal(engine_cycle(rig.engine), 0);
	assert_true((double)rig.control.heartbeat_ns >= before);
	assert_true((double)rig.control.heartbeat_ns <= scx_now_ns());
	assert_true(engine_outbox(rig.engine)->now_ns >= before);
}

static void tick_comes_when_due(void **state)
{
	(void)state;
	rig.ops.tick = rig_tick;
	rig.ops.tick_ns = 3600ull * 1000 * MS;
	engine_cycle(rig.engine);
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "t");
	rig.ops.tick_ns = 1;
	engine_set_policy(rig.engine, &rig.policy);
	engine_cycle(rig.engine);
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "ttt");
}

static uint64_t made_up_ns;

static uint64_t made_up_clock(void)
{
	return made_up_ns;
}

static void time_can_be_made_up(void **state)
{
	(void)state;
	made_up_ns = 5000;
	engine_set_clock(made_up_clock);
	rig.ops.tick = rig_tick;
	rig.ops.tick_ns = 100;
	engine_cycle(rig.engine);
	assert_true(scx_now_ns() == 5000 && engine_outbox(rig.engine)->now_ns == 5000);
	assert_int_equal(rig.control.heartbeat_ns, 5000);
	made_up_ns = 5099;
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "t");
	made_up_ns = 5100;
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "tt");
	assert_int_equal(rig.control.due_ns, 5200); /* BPF is told when it wants the next */
	rig.ops.tick = NULL;
	engine_cycle(rig.engine);
	assert_int_equal(rig.control.due_ns, 0);
	engine_set_clock(NULL);
	assert_true(scx_now_ns() > 1e9);
}

static void held_is_what_is_not_decided(void **state)
{
	(void)state;
	assert_int_equal(engine_held(rig.engine), 0);
	put_enqueue(1, 1, 100, 0);
	put_enqueue(2, 2, 100, 0);
	engine_cycle(rig.engine);
	assert_int_equal(engine_held(rig.engine), 2);
	engine_exit(rig.engine, 1);
	assert_int_equal(engine_held(rig.engine), 1);
}

static void progress_counts_calls(void **state)
{
	(void)state;
	put_enqueue(1, 1, 100, 0);
	put_event(SCXLUA_REC_CPU, 0, 2, 0);
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "e-d");
	assert_int_equal(rig.progress.batch, 3);
	assert_int_equal(rig.progress.in_hook, HOOK_NONE);
	for (int i = 0; i < NR_HOOKS; i++)
		assert_non_null(engine_hook_name[i]);
}

/* ---- reload ---- */

/* A CPU that went while another worker read the ring, and a record that comes all the same. */
static void cpus_are_told_once(void **state)
{
	(void)state;
	engine_tell_cpus(rig.engine);
	assert_string_equal(rig.calls, "");
	rig.cpus[2].online = 0;
	engine_tell_cpus(rig.engine);
	assert_string_equal(rig.calls, "-");
	put_event(SCXLUA_REC_CPU, 0, 2, 0);
	engine_cycle(rig.engine);
	assert_string_equal(rig.calls, "-");
	rig.cpus[2].online = 1;
	put_event(SCXLUA_REC_CPU, 0, 2, 1);
	engine_cycle(rig.engine);
	engine_tell_cpus(rig.engine);
	assert_string_equal(rig.calls, "-+");
}

static void adopt_offers_the_held_oldest_first(void **state)
{
	struct engine_view view = { rig.cpus, NR_CPUS, &rig.control };

	(void)state;
	rig.queue = scx_heap_new(SLOTS);
	for (uint64_t c = 1; c <= 20; c++)
		put_enqueue(c, 1, 1000 - c * 10, 0);
	engine_cycle(rig.engine);
	decide(table_find(rig.table, 5), 0, 0, 0, 0);
	engine_flush(rig.engine);
	engine_free(rig.engine);
	rig.engine = engine_new(&rig_config, &view, &rig.in, &rig.out, rig.table, &rig.stats);
	engine_set_policy(rig.engine, &rig.policy);
	engine_set_progress(rig.engine, &rig.progress);
	/* The old worker's queue is out of reach by now; its memory is kept for valgrind only. */
	scx_queue_free(rig.queue);
	for (uint64_t c = 1; c <= 20; c++)
		*(struct scx_queue **)&table_find(rig.table, c)->queue_ = (void *)0x10;
	rig.queue = scx_heap_new(SLOTS);
	rig.nr_told = 0;
	rig.ops.dispatch = NULL;
	engine_adopt(rig.engine);
	assert_int_equal(rig.nr_told, 19);
	for (uint32_t i = 0; i < 19; i++)
		assert_true(rig.told[i]->cookie_ == (i < 15 ? 20 - i : 19 - i));
	assert_int_equal(scx_queue_len(rig.queue), 19);
	assert_null(table_find(rig.table, 5)->queue_);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(policy_is_told_once),
		WITH_RIG(policy_is_told_again_of_what_ran_meanwhile),
		WITH_RIG(task_is_once_in_a_batch),
		WITH_RIG(decided_task_is_told_next_time),
		WITH_RIG(events_keep_their_place),
		WITH_RIG(exit_takes_a_task_out_of_its_queue),
		WITH_RIG(what_is_not_a_record_is_counted),
		WITH_RIG(full_table_gets_the_default),
		WITH_RIG(cycle_is_bounded),
		WITH_RIG(room_is_what_the_kernel_can_take),
		WITH_RIG(dispatch_needs_a_task),
		WITH_RIG(room_is_never_more_than_fits),
		WITH_RIG(held_is_the_smaller_of_two_claims),
		WITH_RIG(every_cycle_is_a_heartbeat),
		WITH_RIG(tick_comes_when_due),
		WITH_RIG(time_can_be_made_up),
		WITH_RIG(held_is_what_is_not_decided),
		WITH_RIG(progress_counts_calls),
		WITH_RIG(cpus_are_told_once),
		WITH_RIG(adopt_offers_the_held_oldest_first),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
