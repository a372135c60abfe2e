// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_commit.c - from decisions to verdicts: every reason to reject or replace one, and that none
 * is lost or falls to another task while the ring is full.
 */
#include "engine_rig.h"

#include <math.h>

/* ---- one decision ---- */

static void decision_becomes_verdict(void **state)
{
	struct scx_task *task = one_task(7);
	struct scxlua_verdict v;

	(void)state;
	decide(task, 2, 3 * MS, 12345, SCX_PREEMPT);
	assert_int_equal(engine_flush(rig.engine), 0);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == 7 && v.seq == 1 && v.pid == 7);
	assert_true(v.cpu == 2 && v.slice_ns == 3 * MS && v.vtime == 12345);
	assert_int_equal(v.flags, SCX_PREEMPT);
	assert_true(task->vtime == 12345 && task->held_ == 0);
	assert_int_equal(rig.stats.committed, 1);
	assert_int_equal(take_verdict(&v), 0);
}

struct wish {
	double asked, got;
	int bad;
};

/* Decides a fresh task per row and hands each verdict to `value` and `counter` for the check. */
static void check_wishes(const struct wish *w, size_t n, int field)
{
	for (size_t i = 0; i < n; i++) {
		struct scx_task *task = one_task(i + 1);
		struct scxlua_verdict v;
		uint64_t bad = rig.stats.bad_cpu + rig.stats.bad_slice + rig.stats.bad_vtime;
		double got;

		decide(task, field == 0 ? w[i].asked : 0, field == 1 ? w[i].asked : 0,
		       field == 2 ? w[i].asked : 0, 0);
		engine_flush(rig.engine);
		assert_int_equal(take_verdict(&v), 1);
		got = field == 0 ? v.cpu : field == 1 ? (double)v.slice_ns : (double)v.vtime;
		if (got != w[i].got)
			fail_msg("row %zu: asked %g, wanted %g, got %g", i, w[i].asked, w[i].got,
				 got);
		bad = rig.stats.bad_cpu + rig.stats.bad_slice + rig.stats.bad_vtime - bad;
		assert_int_equal(bad, w[i].bad);
	}
}

static void impossible_cpus_become_any(void **state)
{
	static const struct wish w[] = {
		{ -1, -1, 0 },	     { 0, 0, 0 },
		{ -0.0, 0, 0 },	     { 2, 2, 0 },
		{ 3, -1, 1 },	     { 4, -1, 1 },
		{ -2, -1, 1 },	     { 1.5, -1, 1 },
		{ -0.5, -1, 1 },     { NAN, -1, 1 },
		{ INFINITY, -1, 1 }, { -INFINITY, -1, 1 },
		{ 1e300, -1, 1 },    { 4294967296.0, -1, 1 },
	};

	(void)state;
	check_wishes(w, sizeof(w) / sizeof(w[0]), 0);
	assert_int_equal(rig.stats.bad_cpu, 10);
}

static void impossible_slices_are_replaced(void **state)
{
	static const struct wish w[] = {
		{ 0, DEFAULT_SLICE, 0 },
		{ MS, MS, 0 },
		{ MIN_SLICE, MIN_SLICE, 0 },
		{ MAX_SLICE, MAX_SLICE, 0 },
		{ MS + 0.5, MS, 0 },
		{ MIN_SLICE - 1, MIN_SLICE, 1 },
		{ 1e-300, MIN_SLICE, 1 },
		{ MAX_SLICE + 1, MAX_SLICE, 1 },
		{ INFINITY, MAX_SLICE, 1 },
		{ 1e300, MAX_SLICE, 1 },
		{ -1, DEFAULT_SLICE, 1 },
		{ NAN, DEFAULT_SLICE, 1 },
		{ -INFINITY, DEFAULT_SLICE, 1 },
		{ -1e300, DEFAULT_SLICE, 1 },
	};

	(void)state;
	check_wishes(w, sizeof(w) / sizeof(w[0]), 1);
	assert_int_equal(rig.stats.bad_slice, 9);
}

static void impossible_vtimes_are_clamped(void **state)
{
	static const struct wish w[] = {
		{ 0, 0, 0 },	       { -0.0, 0, 0 },	      { 1, 1, 0 },
		{ 0x1p62, 0x1p62, 0 }, { 0x1p63, 0x1p63, 1 }, { INFINITY, 0x1p63, 1 },
		{ 1e300, 0x1p63, 1 },  { -1, 0, 1 },	      { -INFINITY, 0, 1 },
		{ NAN, 0, 1 },
	};

	(void)state;
	check_wishes(w, sizeof(w) / sizeof(w[0]), 2);
	assert_int_equal(rig.stats.bad_vtime, 6);
}

static void largest_vtime_is_positive_for_the_kernel(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	decide(one_task(1), 0, 0, INFINITY, 0);
	engine_flush(rig.engine);
	take_verdict(&v);
	assert_true(v.vtime == INT64_MAX);
}

static void unknown_flags_are_masked(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	decide(one_task(1), 0, 0, 0, 0xfffffffc | SCX_PREEMPT);
	engine_flush(rig.engine);
	take_verdict(&v);
	assert_int_equal(v.flags, SCX_PREEMPT);
	assert_int_equal(rig.stats.bad_flags, 1);
}

static void what_is_not_a_task_is_rejected(void **state)
{
	struct scx_task *task = one_task(1);
	struct scx_task fake = { .cookie_ = 1, .held_ = 1 };
	struct scxlua_verdict v;

	(void)state;
	decide(NULL, 0, 0, 0, 0);
	decide(&fake, 0, 0, 0, 0);
	decide(task + 1, 0, 0, 0, 0);
	decide((void *)((uintptr_t)task + 8), 0, 0, 0, 0);
	decide((void *)UINTPTR_MAX, 0, 0, 0, 0);
	assert_int_equal(engine_flush(rig.engine), 0);
	assert_int_equal(rig.stats.reject_unknown, 5);
	assert_int_equal(take_verdict(&v), 0);
	assert_int_equal(task->held_, 1);
}

static void second_decision_is_rejected(void **state)
{
	struct scx_task *task = one_task(1);
	struct scxlua_verdict v;

	(void)state;
	decide(task, 0, MS, 1, 0);
	decide(task, 1, 2 * MS, 2, 0);
	engine_flush(rig.engine);
	decide(task, 1, 2 * MS, 2, 0);
	engine_flush(rig.engine);
	assert_int_equal(rig.stats.reject_twice, 2);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cpu == 0 && v.slice_ns == MS);
	assert_int_equal(take_verdict(&v), 0);
	assert_true(task->vtime == 1);
}

static void count_of_decisions_is_not_believed(void **state)
{
	struct scx_outbox *o = engine_outbox(rig.engine);

	(void)state;
	one_task(1);
	o->n = UINT32_MAX;
	assert_int_equal(engine_flush(rig.engine), 0);
	assert_int_equal(o->n, 0);
	assert_int_equal(rig.stats.reject_unknown, ENGINE_OUTBOX);
}

static void decided_task_leaves_its_queue(void **state)
{
	struct scx_task *task;

	(void)state;
	rig.queue = scx_heap_new(SLOTS);
	task = one_task(1);
	assert_int_equal(scx_queue_len(rig.queue), 1);
	decide(task, 0, 0, 0, 0);
	engine_flush(rig.engine);
	assert_int_equal(scx_queue_len(rig.queue), 0);
	assert_null(task->queue_);
}

/* ---- waiting decisions ---- */

static void full_ring_loses_no_decision(void **state)
{
	struct scx_task *task[10];
	struct scxlua_verdict v;
	uint64_t seen = 0;

	(void)state;
	for (uint64_t c = 0; c < 10; c++)
		task[c] = one_task(c + 1);
	for (int i = 0; i < ROOM - 3; i++)
		uring_reserve(&rig.out);
	rig.ops.dispatch = NULL;
	for (int i = 0; i < 10; i++)
		decide(task[i], 0, 0, i, 0);
	assert_int_equal(engine_flush(rig.engine), 7);
	assert_int_equal(engine_flush(rig.engine), 7);
	engine_cycle(rig.engine);
	assert_int_equal(rig.stats.outbox_full, 7); /* each once, however often it is tried */
	assert_int_equal(rig.stats.committed, 3);
	assert_int_equal(task[3]->held_, 1);
	rig.out_consumer = rig.out_producer - 3 * 56;
	engine_cycle(rig.engine);
	while (take_verdict(&v))
		assert_true(v.vtime == seen++);
	assert_int_equal(seen, 10);
	assert_int_equal(rig.stats.committed, 10);
	assert_int_equal(rig.stats.outbox_full, 7);
}

/* A decision that waits in the outbox must not fall to the next owner of the slot. */
static void exit_takes_waiting_decisions_along(void **state)
{
	struct scx_task *one, *two;
	struct scxlua_verdict v;

	(void)state;
	one = one_task(1);
	two = one_task(2);
	while (uring_reserve(&rig.out))
		;
	decide(one, 0, MS, 1, 0);
	decide(two, 1, MS, 2, 0);
	assert_int_equal(engine_flush(rig.engine), 2);
	put_event(SCXLUA_REC_EXIT, 1, 0, 0);
	put_enqueue(3, 1, 100, 0);
	engine_cycle(rig.engine);
	assert_ptr_equal(table_find(rig.table, 3), one);
	rig.out_consumer = rig.out_producer = rig.out.pos;
	assert_int_equal(engine_flush(rig.engine), 0);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == 2);
	assert_int_equal(take_verdict(&v), 0);
	assert_int_equal(one->held_, 1);
	assert_int_equal(rig.stats.reject_unknown, 1);
}

/* ---- from Lua ---- */

static int kicking_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	(void)n;
	decide(tasks[0], 1, 0, 0, 0);
	return scx_kick(1, SCX_PREEMPT);
}

static void kick_comes_after_earlier_decisions(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	rig.ops.enqueue = kicking_enqueue;
	one_task(1);
	assert_int_equal(take_verdict(&v), 1);
	assert_int_equal(v.kind, SCXLUA_VERDICT_TASK);
	assert_int_equal(take_verdict(&v), 1);
	assert_int_equal(v.kind, SCXLUA_VERDICT_KICK);
}

static int flushing_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		decide(tasks[i], 0, 0, i, 0);
		if (i % 8 == 7)
			assert_int_equal(scx_outbox_flush(), 0);
	}
	(void)p;
	return 0;
}

static void flush_from_a_hook_means_its_engine(void **state)
{
	struct scxlua_verdict v;
	uint64_t n = 0;

	(void)state;
	assert_int_equal(scx_outbox_flush(), 0);
	rig.ops.enqueue = flushing_enqueue;
	for (uint64_t c = 1; c <= 60; c++)
		put_enqueue(c, 1, 100, 0);
	engine_cycle(rig.engine);
	while (take_verdict(&v))
		assert_true(v.vtime == n++);
	assert_int_equal(n, 60);
	decide(table_find(rig.table, 1), 0, 0, 0, 0);
	assert_int_equal(scx_outbox_flush(), 0); /* no hook runs: nobody's */
	assert_int_equal(engine_outbox(rig.engine)->n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(decision_becomes_verdict),
		WITH_RIG(impossible_cpus_become_any),
		WITH_RIG(impossible_slices_are_replaced),
		WITH_RIG(impossible_vtimes_are_clamped),
		WITH_RIG(largest_vtime_is_positive_for_the_kernel),
		WITH_RIG(unknown_flags_are_masked),
		WITH_RIG(what_is_not_a_task_is_rejected),
		WITH_RIG(second_decision_is_rejected),
		WITH_RIG(count_of_decisions_is_not_believed),
		WITH_RIG(decided_task_leaves_its_queue),
		WITH_RIG(full_ring_loses_no_decision),
		WITH_RIG(exit_takes_waiting_decisions_along),
		WITH_RIG(kick_comes_after_earlier_decisions),
		WITH_RIG(flush_from_a_hook_means_its_engine),
	};

	return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
