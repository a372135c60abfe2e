// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_engine.c - the cycle with a policy in C: every reason to reject or replace a decision,
 * the rules for tasks that come twice, what happens when the policy or the ring fails, and a
 * ledger over a million tasks with a policy that does everything wrong.
 *
 * The small tests write records and read verdicts one by one through a rig; its rings are
 * plain memory of twice the size, where a sample that wraps just runs on.
 */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "queue.h"
#include "synth.h"

enum {
	NR_CPUS = 4,
	SLOTS = 64,
	RING_BYTES = 1 << 19,
	USER_BYTES = 1 << 14,
	ROOM = USER_BYTES / 56, /* verdicts that fit */
	MS = 1000000,
	DEFAULT_SLICE = 5 * MS,
	MAX_SLICE = 100 * MS,
	MIN_SLICE = MS / 10,
};

/* What the policy saw, and what it is to do. */
struct rig {
	uint64_t in_consumer, in_producer, out_consumer, out_producer;
	uint8_t *in_data, *out_data;
	struct ring in;
	struct uring out;
	struct scx_cpu cpus[NR_CPUS];
	struct scxlua_control control;
	struct table *table;
	struct engine *engine;
	struct engine_stats stats;
	struct policy policy;
	struct policy_ops ops;
	struct engine_progress progress;

	struct scx_task *told[4 * ENGINE_BATCH];
	uint32_t nr_told;
	char calls[64]; /* one letter per hook called: e d x + - t */
	uint32_t room;	/* of the last dispatch() */
	int64_t ret;	/* of the next calls */
	struct scx_queue *queue;
};

static struct rig r;

static void note(char what)
{
	size_t len = strlen(r.calls);

	if (len + 1 < sizeof(r.calls))
		r.calls[len] = what;
}

static int rig_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	note('e');
	assert_int_equal(r.progress.in_hook, HOOK_ENQUEUE);
	for (uint32_t i = 0; i < n; i++) {
		assert_null(tasks[i]->queue_);
		assert_int_equal(tasks[i]->held_, 1);
		r.told[r.nr_told++ % (4 * ENGINE_BATCH)] = tasks[i];
		if (r.queue)
			scx_heap_push(r.queue, tasks[i], tasks[i]->enqueue_ns);
	}
	return (int)r.ret;
}

static int rig_dispatch(struct policy *p, uint32_t room)
{
	(void)p;
	note('d');
	assert_int_equal(r.progress.in_hook, HOOK_DISPATCH);
	r.room = room;
	return (int)r.ret;
}

static int rig_exit_task(struct policy *p, struct scx_task *task)
{
	(void)p;
	note('x');
	assert_int_equal(r.progress.in_hook, HOOK_EXIT_TASK);
	assert_null(task->queue_);
	assert_int_equal(task->held_, 0);
	return (int)r.ret;
}

static int rig_cpu_event(struct policy *p, int cpu, int online)
{
	(void)p;
	assert_int_equal(cpu, 2);
	note(online ? '+' : '-');
	return (int)r.ret;
}

static int rig_tick(struct policy *p, uint64_t now_ns)
{
	(void)p;
	assert_true((double)now_ns <= scx_now_ns());
	note('t');
	return (int)r.ret;
}

static void rig_rings(void)
{
	r.in_data = calloc(2, RING_BYTES);
	r.out_data = calloc(2, USER_BYTES);
	r.in = (struct ring){ .consumer_pos = &r.in_consumer,
			      .producer_pos = &r.in_producer,
			      .data = r.in_data,
			      .mask = RING_BYTES - 1 };
	r.out = (struct uring){ .consumer_pos = &r.out_consumer,
				.producer_pos = &r.out_producer,
				.data = r.out_data,
				.mask = USER_BYTES - 1 };
}

static int setup(void **state)
{
	const struct engine_config cfg = { .slice_ns = DEFAULT_SLICE,
					   .max_slice_ns = MAX_SLICE,
					   .min_slice_ns = MIN_SLICE };
	struct engine_view view = { r.cpus, NR_CPUS, &r.control };

	(void)state;
	memset(&r, 0, sizeof(r));
	rig_rings();
	for (int i = 0; i < NR_CPUS; i++)
		r.cpus[i].online = i != 3;
	r.control.nr_online = NR_CPUS - 1;
	r.table = table_new(SLOTS, NR_CPUS);
	r.engine = engine_new(&cfg, &view, &r.in, &r.out, r.table, &r.stats);
	r.ops = (struct policy_ops){ .enqueue = rig_enqueue,
				     .dispatch = rig_dispatch,
				     .exit_task = rig_exit_task,
				     .cpu_event = rig_cpu_event };
	r.policy.ops = &r.ops;
	engine_set_policy(r.engine, &r.policy);
	engine_set_progress(r.engine, &r.progress);
	return r.in_data && r.out_data && r.engine ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	scx_queue_free(r.queue);
	engine_free(r.engine);
	table_free(r.table);
	free(r.in_data);
	free(r.out_data);
	return 0;
}

static void put_record(const struct scxlua_record *rec)
{
	uint8_t *at = r.in_data + (r.in_producer & (RING_BYTES - 1));
	uint32_t header[2] = { sizeof(*rec), 0 };

	memcpy(at, header, 8);
	memcpy(at + 8, rec, sizeof(*rec));
	r.in_producer += 8 + sizeof(*rec);
}

static void put_enqueue(uint64_t cookie, uint64_t seq, uint64_t enqueue_ns, uint64_t start_ns)
{
	struct scxlua_record rec = { .kind = SCXLUA_REC_ENQUEUE,
				     .pid = (int32_t)cookie,
				     .cookie = cookie,
				     .seq = seq,
				     .enqueue_ns = enqueue_ns,
				     .start_ns = start_ns };

	put_record(&rec);
}

static void put_event(uint32_t kind, uint64_t cookie, int32_t cpu, uint32_t flags)
{
	struct scxlua_record rec = { .kind = kind, .cookie = cookie, .cpu = cpu, .flags = flags };

	put_record(&rec);
}

static int take_verdict(struct scxlua_verdict *v)
{
	const uint8_t *at = r.out_data + (r.out_consumer & (USER_BYTES - 1));

	if (r.out_consumer == r.out_producer)
		return 0;
	memcpy(v, at + 8, sizeof(*v));
	r.out_consumer += 8 + sizeof(*v);
	return 1;
}

static void decide(struct scx_task *task, double cpu, double slice, double vtime, uint32_t flags)
{
	struct scx_outbox *o = engine_outbox(r.engine);

	o->decision[o->n++] = (struct scx_decision){ task, cpu, slice, vtime, flags, 0 };
}

/* One task that the policy has been told of. */
static struct scx_task *one_task(uint64_t cookie)
{
	put_enqueue(cookie, 1, 100, 0);
	engine_cycle(r.engine);
	return table_find(r.table, cookie);
}

/* ---- one decision ---- */

static void decision_becomes_verdict(void **state)
{
	struct scx_task *task = one_task(7);
	struct scxlua_verdict v;

	(void)state;
	decide(task, 2, 3 * MS, 12345, SCX_PREEMPT);
	assert_int_equal(engine_flush(r.engine), 0);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == 7 && v.seq == 1 && v.pid == 7);
	assert_true(v.cpu == 2 && v.slice_ns == 3 * MS && v.vtime == 12345);
	assert_int_equal(v.flags, SCX_PREEMPT);
	assert_true(task->vtime == 12345 && task->held_ == 0);
	assert_int_equal(r.stats.committed, 1);
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
		uint64_t bad = r.stats.bad_cpu + r.stats.bad_slice + r.stats.bad_vtime;
		double got;

		decide(task, field == 0 ? w[i].asked : 0, field == 1 ? w[i].asked : 0,
		       field == 2 ? w[i].asked : 0, 0);
		engine_flush(r.engine);
		assert_int_equal(take_verdict(&v), 1);
		got = field == 0 ? v.cpu : field == 1 ? (double)v.slice_ns : (double)v.vtime;
		if (got != w[i].got)
			fail_msg("row %zu: asked %g, wanted %g, got %g", i, w[i].asked, w[i].got,
				 got);
		bad = r.stats.bad_cpu + r.stats.bad_slice + r.stats.bad_vtime - bad;
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
	assert_int_equal(r.stats.bad_cpu, 10);
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
	assert_int_equal(r.stats.bad_slice, 9);
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
	assert_int_equal(r.stats.bad_vtime, 6);
}

static void largest_vtime_is_positive_for_the_kernel(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	decide(one_task(1), 0, 0, INFINITY, 0);
	engine_flush(r.engine);
	take_verdict(&v);
	assert_true(v.vtime == INT64_MAX);
}

static void unknown_flags_are_masked(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	decide(one_task(1), 0, 0, 0, 0xfffffffc | SCX_PREEMPT);
	engine_flush(r.engine);
	take_verdict(&v);
	assert_int_equal(v.flags, SCX_PREEMPT);
	assert_int_equal(r.stats.bad_flags, 1);
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
	assert_int_equal(engine_flush(r.engine), 0);
	assert_int_equal(r.stats.reject_unknown, 5);
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
	engine_flush(r.engine);
	decide(task, 1, 2 * MS, 2, 0);
	engine_flush(r.engine);
	assert_int_equal(r.stats.reject_twice, 2);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cpu == 0 && v.slice_ns == MS);
	assert_int_equal(take_verdict(&v), 0);
	assert_true(task->vtime == 1);
}

static void count_of_decisions_is_not_believed(void **state)
{
	struct scx_outbox *o = engine_outbox(r.engine);

	(void)state;
	one_task(1);
	o->n = UINT32_MAX;
	assert_int_equal(engine_flush(r.engine), 0);
	assert_int_equal(o->n, 0);
	assert_int_equal(r.stats.reject_unknown, ENGINE_OUTBOX);
}

static void decided_task_leaves_its_queue(void **state)
{
	struct scx_task *task;

	(void)state;
	r.queue = scx_heap_new(SLOTS);
	task = one_task(1);
	assert_int_equal(scx_queue_len(r.queue), 1);
	decide(task, 0, 0, 0, 0);
	engine_flush(r.engine);
	assert_int_equal(scx_queue_len(r.queue), 0);
	assert_null(task->queue_);
}

/* ---- records ---- */

static void policy_is_told_once(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	put_enqueue(1, 1, 100, 50);
	engine_cycle(r.engine);
	put_enqueue(1, 2, 200, 50); /* moved, but has not run since: the same wait */
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, 1);
	assert_int_equal(r.stats.refreshed, 1);
	assert_int_equal(r.stats.forgotten, 0);
	assert_true(r.told[0]->enqueue_ns == 200);
	decide(r.told[0], 0, 0, 0, 0);
	engine_flush(r.engine);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.seq == 2); /* the decision answers the latest enqueue */
}

static void policy_is_told_again_of_what_ran_meanwhile(void **state)
{
	(void)state;
	r.queue = scx_heap_new(SLOTS);
	put_enqueue(1, 1, 100, 50);
	engine_cycle(r.engine);
	put_enqueue(1, 2, 200, 150);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, 2);
	assert_int_equal(r.stats.forgotten, 1);
	assert_int_equal(r.stats.refreshed, 0);
	assert_int_equal(scx_queue_len(r.queue), 1);
	assert_true(scx_heap_key(r.queue) == 200);
}

static void task_is_once_in_a_batch(void **state)
{
	(void)state;
	put_enqueue(1, 1, 100, 50);
	put_enqueue(2, 1, 100, 50);
	put_enqueue(1, 2, 200, 150);
	put_enqueue(2, 2, 300, 250);
	put_enqueue(2, 3, 400, 350);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, 2);
	assert_int_equal(r.stats.refreshed, 3);
	assert_true(r.told[0]->seq_ == 2 && r.told[1]->seq_ == 3);
	assert_int_equal(r.stats.received, 5);
}

static void decided_task_is_told_next_time(void **state)
{
	(void)state;
	decide(one_task(1), 0, 0, 0, 0);
	engine_flush(r.engine);
	put_enqueue(1, 2, 200, 0);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, 2);
	assert_int_equal(r.stats.forgotten + r.stats.refreshed, 0);
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
	assert_int_equal(engine_cycle(r.engine), 6);
	assert_string_equal(r.calls, "ex-e+d");
	assert_int_equal(r.stats.threads_gone, 1);
	assert_null(table_find(r.table, 1));
	assert_int_equal(table_len(r.table), 2);
}

static void exit_takes_a_task_out_of_its_queue(void **state)
{
	(void)state;
	r.queue = scx_heap_new(SLOTS);
	for (uint64_t c = 1; c <= 3; c++)
		one_task(c);
	put_event(SCXLUA_REC_EXIT, 2, 0, 0);
	put_event(SCXLUA_REC_EXIT, 99, 0, 0);
	engine_cycle(r.engine);
	assert_int_equal(scx_queue_len(r.queue), 2);
	assert_int_equal(r.stats.threads_gone, 2);
	assert_int_equal(r.control.held, 0); /* dispatch() said so */
	assert_true(scx_heap_pop(r.queue)->cookie_ == 1);
	assert_true(scx_heap_pop(r.queue)->cookie_ == 3);
}

/* A decision that waits in the outbox must not fall to the next owner of the slot. */
static void exit_takes_waiting_decisions_along(void **state)
{
	struct scx_task *one, *two;
	struct scxlua_verdict v;

	(void)state;
	one = one_task(1);
	two = one_task(2);
	while (uring_reserve(&r.out))
		;
	decide(one, 0, MS, 1, 0);
	decide(two, 1, MS, 2, 0);
	assert_int_equal(engine_flush(r.engine), 2);
	put_event(SCXLUA_REC_EXIT, 1, 0, 0);
	put_enqueue(3, 1, 100, 0);
	engine_cycle(r.engine);
	assert_ptr_equal(table_find(r.table, 3), one);
	r.out_consumer = r.out_producer = r.out.pos;
	assert_int_equal(engine_flush(r.engine), 0);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == 2);
	assert_int_equal(take_verdict(&v), 0);
	assert_int_equal(one->held_, 1);
	assert_int_equal(r.stats.reject_unknown, 1);
}

static void what_is_not_a_record_is_counted(void **state)
{
	(void)state;
	put_event(77, 1, 0, 0);
	put_event(0, 1, 0, 0);
	put_enqueue(0, 1, 100, 0);
	put_enqueue(5, 1, 100, 0);
	engine_cycle(r.engine);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, 1);
	assert_int_equal(r.stats.bad_records, 3);
}

static void full_table_gets_the_default(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	for (uint64_t c = 1; c <= SLOTS + 2; c++)
		put_enqueue(c, 9, 100, 0);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, SLOTS);
	assert_int_equal(r.stats.table_full, 2);
	assert_int_equal(r.stats.defaulted, 2);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == SLOTS + 1 && v.seq == 9 && v.pid == SLOTS + 1);
	assert_true(v.cpu == SCX_CPU_ANY && v.slice_ns == DEFAULT_SLICE && v.flags == 0);
}

static void cycle_is_bounded(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6 * ENGINE_BATCH; i++)
		put_enqueue(1 + i % SLOTS, i, i, i);
	engine_cycle(r.engine);
	assert_int_equal(r.stats.received, 4 * ENGINE_BATCH);
	engine_cycle(r.engine);
	assert_int_equal(r.stats.received, 6 * ENGINE_BATCH);
	assert_int_equal(engine_cycle(r.engine), 0);
	assert_int_equal(r.stats.cycles, 2);
	assert_int_equal(r.stats.batches, r.stats.batch_size.count);
	assert_int_equal(r.stats.decide_ns.count, 2);
}

/* ---- dispatch ---- */

static void room_is_what_the_kernel_can_take(void **state)
{
	(void)state;
	r.ops.dispatch = NULL;
	for (uint64_t c = 1; c <= 5; c++)
		one_task(c);
	r.ops.dispatch = rig_dispatch;
	r.control.shared_depth = 1;
	r.cpus[1].queued = 2;
	engine_cycle(r.engine);
	assert_int_equal(r.room, 2 * (NR_CPUS - 1) - 3);
	decide(table_find(r.table, 1), 0, 0, 0, 0);
	engine_cycle(r.engine); /* commits that first, and nobody has taken it yet */
	assert_int_equal(r.room, 2);
	r.cpus[1].queued = 4;
	memset(r.calls, 0, sizeof(r.calls));
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "");
	r.control.shared_depth = UINT32_MAX;
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "");
}

static void dispatch_needs_a_task(void **state)
{
	(void)state;
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "");
	decide(one_task(1), 0, 0, 0, 0);
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "ed");
}

static void room_is_never_more_than_fits(void **state)
{
	(void)state;
	r.control.nr_online = 1u << 30;
	one_task(1);
	assert_int_equal(r.room, ROOM);
	for (int i = 0; i < ROOM - 5; i++)
		uring_reserve(&r.out);
	r.control.nr_online = 1u << 30;
	engine_cycle(r.engine);
	assert_int_equal(r.room, 5);
}

static void held_is_the_smaller_of_two_claims(void **state)
{
	(void)state;
	r.ret = 1000;
	one_task(1);
	assert_int_equal(r.control.held, 1);
	r.ret = 0;
	one_task(2);
	assert_int_equal(r.control.held, 0);
	r.control.shared_depth = 100; /* no room: not asked, so what is held counts */
	one_task(3);
	assert_int_equal(r.control.held, 3);
	r.ops.dispatch = NULL;
	engine_cycle(r.engine);
	assert_int_equal(r.control.held, 0);
}

static void every_cycle_is_a_heartbeat(void **state)
{
	double before = scx_now_ns();

	(void)state;
	assert_int_equal(engine_cycle(r.engine), 0);
	assert_true((double)r.control.heartbeat_ns >= before);
	assert_true((double)r.control.heartbeat_ns <= scx_now_ns());
	assert_true(engine_outbox(r.engine)->now_ns >= before);
}

static void tick_comes_when_due(void **state)
{
	(void)state;
	r.ops.tick = rig_tick;
	r.ops.tick_ns = 3600ull * 1000 * MS;
	engine_cycle(r.engine);
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "t");
	r.ops.tick_ns = 1;
	engine_set_policy(r.engine, &r.policy);
	engine_cycle(r.engine);
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "ttt");
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
	r.ops.tick = rig_tick;
	r.ops.tick_ns = 100;
	engine_cycle(r.engine);
	assert_true(scx_now_ns() == 5000 && engine_outbox(r.engine)->now_ns == 5000);
	assert_int_equal(r.control.heartbeat_ns, 5000);
	made_up_ns = 5099;
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "t");
	made_up_ns = 5100;
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "tt");
	assert_int_equal(r.control.due_ns, 5200); /* BPF is told when it wants the next */
	r.ops.tick = NULL;
	engine_cycle(r.engine);
	assert_int_equal(r.control.due_ns, 0);
	engine_set_clock(NULL);
	assert_true(scx_now_ns() > 1e9);
}

static void held_is_what_is_not_decided(void **state)
{
	(void)state;
	assert_int_equal(engine_held(r.engine), 0);
	put_enqueue(1, 1, 100, 0);
	put_enqueue(2, 2, 100, 0);
	engine_cycle(r.engine);
	assert_int_equal(engine_held(r.engine), 2);
	engine_exit(r.engine, 1);
	assert_int_equal(engine_held(r.engine), 1);
}

static void progress_counts_calls(void **state)
{
	(void)state;
	put_enqueue(1, 1, 100, 0);
	put_event(SCXLUA_REC_CPU, 0, 2, 0);
	engine_cycle(r.engine);
	assert_string_equal(r.calls, "e-d");
	assert_int_equal(r.progress.batch, 3);
	assert_int_equal(r.progress.in_hook, HOOK_NONE);
	for (int i = 0; i < NR_HOOKS; i++)
		assert_non_null(engine_hook_name[i]);
}

/* ---- failures ---- */

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
	r.queue = scx_heap_new(SLOTS);
	task = one_task(3);
	decide(task, 0, 0, 555, 0);
	engine_flush(r.engine);
	take_verdict(&v);
	r.ops.enqueue = enqueue_then_fail;
	for (uint64_t c = 1; c <= 3; c++)
		put_enqueue(c, 2, 100, 0);
	engine_cycle(r.engine);
	assert_int_equal(r.stats.policy_errors, 1);
	assert_int_equal(r.stats.defaulted, 2);
	assert_int_equal(scx_queue_len(r.queue), 0);
	take_verdict(&v); /* what was decided before the error stands */
	assert_true(v.cookie == 1 && v.cpu == 1 && v.vtime == 77);
	take_verdict(&v);
	assert_true(v.cookie == 2 && v.cpu == SCX_CPU_ANY && v.slice_ns == DEFAULT_SLICE);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == 3 && v.vtime == 555 && v.seq == 2);
	assert_int_equal(take_verdict(&v), 0);
	assert_int_equal(r.stats.committed, 4);
}

static int dispatch_then_fail(struct policy *p, uint32_t room)
{
	rig_dispatch(p, room);
	decide(r.told[0], 1, MS, 77, 0);
	return -1;
}

static void failed_dispatch_keeps_its_decisions(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	r.ops.dispatch = dispatch_then_fail;
	put_enqueue(1, 1, 100, 0);
	put_enqueue(2, 1, 100, 0);
	engine_cycle(r.engine);
	assert_int_equal(r.stats.policy_errors, 1);
	assert_int_equal(r.stats.defaulted, 0);
	assert_int_equal(take_verdict(&v), 1);
	assert_true(v.cookie == 1);
	assert_int_equal(take_verdict(&v), 0);
	assert_int_equal(r.control.held, 1);
}

static void failed_event_hooks_are_counted(void **state)
{
	(void)state;
	one_task(1);
	r.ret = -1;
	r.ops.dispatch = NULL;
	put_event(SCXLUA_REC_EXIT, 1, 0, 0);
	put_event(SCXLUA_REC_CPU, 0, 2, 1);
	engine_cycle(r.engine);
	assert_int_equal(r.stats.policy_errors, 2);
	assert_int_equal(table_len(r.table), 0);
}

static void without_a_policy_all_is_default(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	engine_set_policy(r.engine, NULL);
	put_enqueue(1, 1, 100, 0);
	put_event(SCXLUA_REC_EXIT, 1, 0, 0);
	put_event(SCXLUA_REC_CPU, 0, 2, 1);
	engine_cycle(r.engine);
	engine_idle(r.engine);
	assert_int_equal(take_verdict(&v), 1);
	assert_int_equal(r.stats.defaulted, 1);
	assert_int_equal(r.stats.policy_errors, 0);
}

static void full_ring_loses_no_decision(void **state)
{
	struct scx_task *task[10];
	struct scxlua_verdict v;
	uint64_t seen = 0;

	(void)state;
	for (uint64_t c = 0; c < 10; c++)
		task[c] = one_task(c + 1);
	for (int i = 0; i < ROOM - 3; i++)
		uring_reserve(&r.out);
	r.ops.dispatch = NULL;
	for (int i = 0; i < 10; i++)
		decide(task[i], 0, 0, i, 0);
	assert_int_equal(engine_flush(r.engine), 7);
	assert_int_equal(engine_flush(r.engine), 7);
	engine_cycle(r.engine);
	assert_int_equal(r.stats.outbox_full, 7); /* each once, however often it is tried */
	assert_int_equal(r.stats.committed, 3);
	assert_int_equal(task[3]->held_, 1);
	r.out_consumer = r.out_producer - 3 * 56;
	engine_cycle(r.engine);
	while (take_verdict(&v))
		assert_true(v.vtime == seen++);
	assert_int_equal(seen, 10);
	assert_int_equal(r.stats.committed, 10);
	assert_int_equal(r.stats.outbox_full, 7);
}

static int deciding_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	for (uint32_t i = 0; i < n; i++) {
		assert_true(engine_outbox(r.engine)->n < ENGINE_OUTBOX);
		decide(tasks[i], 0, 0, 0, 0);
	}
	r.nr_told += n;
	return 0;
}

/* With the ring to the kernel full, tasks come as long as decisions about them can be kept. */
static void full_outbox_stops_the_drain(void **state)
{
	struct scx_task *task = one_task(100);

	(void)state;
	while (uring_reserve(&r.out))
		;
	uring_publish(&r.out);
	r.ops.enqueue = deciding_enqueue;
	r.ops.dispatch = NULL;
	r.nr_told = 0;
	for (int i = 0; i < ENGINE_OUTBOX - 5; i++)
		decide(task, 0, 0, 0, 0);
	for (uint64_t c = 1; c <= 10; c++)
		put_enqueue(c, 1, 100, 0);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, 5);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, 5);
	r.out_consumer = r.out_producer;
	engine_cycle(r.engine);
	assert_int_equal(r.nr_told, 10);
}

static void full_ring_at_an_error_leaves_tasks_held(void **state)
{
	(void)state;
	while (uring_reserve(&r.out))
		;
	r.ret = -1;
	r.ops.dispatch = NULL;
	put_enqueue(1, 1, 100, 0);
	engine_cycle(r.engine);
	assert_int_equal(r.stats.outbox_full, 1);
	assert_int_equal(r.stats.defaulted, 0);
	assert_int_equal(table_find(r.table, 1)->held_, 1);
	r.ret = 0;
	put_enqueue(1, 2, 300, 200); /* the kernel has aged it out: it comes again */
	engine_cycle(r.engine);
	assert_int_equal(r.stats.forgotten, 1);
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
	r.ops.enqueue = kicking_enqueue;
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
	r.ops.enqueue = flushing_enqueue;
	for (uint64_t c = 1; c <= 60; c++)
		put_enqueue(c, 1, 100, 0);
	engine_cycle(r.engine);
	while (take_verdict(&v))
		assert_true(v.vtime == n++);
	assert_int_equal(n, 60);
	decide(table_find(r.table, 1), 0, 0, 0, 0);
	assert_int_equal(scx_outbox_flush(), 0); /* no hook runs: nobody's */
	assert_int_equal(engine_outbox(r.engine)->n, 1);
}

/* ---- reload ---- */

static void adopt_offers_the_held_oldest_first(void **state)
{
	struct engine_view view = { r.cpus, NR_CPUS, &r.control };
	const struct engine_config cfg = { .slice_ns = DEFAULT_SLICE,
					   .max_slice_ns = MAX_SLICE,
					   .min_slice_ns = MIN_SLICE };

	(void)state;
	r.queue = scx_heap_new(SLOTS);
	for (uint64_t c = 1; c <= 20; c++)
		put_enqueue(c, 1, 1000 - c * 10, 0);
	engine_cycle(r.engine);
	decide(table_find(r.table, 5), 0, 0, 0, 0);
	engine_flush(r.engine);
	engine_free(r.engine);
	r.engine = engine_new(&cfg, &view, &r.in, &r.out, r.table, &r.stats);
	engine_set_policy(r.engine, &r.policy);
	engine_set_progress(r.engine, &r.progress);
	/* The old worker's queue is out of reach by now; its memory is kept for valgrind only. */
	scx_queue_free(r.queue);
	for (uint64_t c = 1; c <= 20; c++)
		*(struct scx_queue **)&table_find(r.table, c)->queue_ = (void *)0x10;
	r.queue = scx_heap_new(SLOTS);
	r.nr_told = 0;
	r.ops.dispatch = NULL;
	engine_adopt(r.engine);
	assert_int_equal(r.nr_told, 19);
	for (uint32_t i = 0; i < 19; i++)
		assert_true(r.told[i]->cookie_ == (i < 15 ? 20 - i : 19 - i));
	assert_int_equal(scx_queue_len(r.queue), 19);
	assert_null(table_find(r.table, 5)->queue_);
}

/* ---- the ledger ---- */

/* A policy that drops, doubles, invents and garbles; it must cost no task. */
struct chaos {
	struct engine *engine;
	struct scx_queue *queue;
	uint64_t seed;
	uint64_t gave[4];
};

static double chaos_number(uint64_t *seed)
{
	static const double odd[] = { 0, -1, 1e300, -1e300, NAN, INFINITY, -INFINITY, 0.5, 1e6, 3 };

	return unit_below(seed, 3) ? unit_below(seed, 20 * MS) : odd[unit_below(seed, 10)];
}

static void chaos_send(struct chaos *c, struct scx_task *task)
{
	struct scx_outbox *o = engine_outbox(c->engine);

	if (o->n == ENGINE_OUTBOX && scx_outbox_flush() > 0)
		return;
	o->decision[o->n++] = (struct scx_decision){ task,
						     chaos_number(&c->seed),
						     chaos_number(&c->seed),
						     chaos_number(&c->seed),
						     unit_below(&c->seed, 8),
						     0 };
}

static int chaos_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	struct chaos *c = p->self;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t what = unit_below(&c->seed, 20);

		if (what < 10) {
			scx_heap_push(c->queue, tasks[i], tasks[i]->vtime);
		} else if (what < 18) {
			chaos_send(c, tasks[i]);
			if (what == 17)
				chaos_send(c, tasks[i]);
		} else if (what == 18) {
			chaos_send(c, (void *)(uintptr_t)unit_random(&c->seed));
		}
	}
	return unit_below(&c->seed, 50) ? 0 : -1;
}

static int chaos_dispatch(struct policy *p, uint32_t room)
{
	struct chaos *c = p->self;

	for (uint32_t i = unit_below(&c->seed, room + 10); i > 0; i--) {
		struct scx_task *task = scx_heap_pop(c->queue);

		if (task && unit_below(&c->seed, 10))
			chaos_send(c, task);
	}
	return unit_below(&c->seed, 50) ? (int)scx_queue_len(c->queue) : -1;
}

static int chaos_exit(struct policy *p, struct scx_task *task)
{
	struct chaos *c = p->self;

	if (unit_below(&c->seed, 4) == 0)
		scx_heap_push(c->queue, task,
			      1); /* too late: it must be gone from there after us */
	if (unit_below(&c->seed, 4) == 0)
		chaos_send(c, task);
	return 0;
}

static const struct policy_ops chaos_ops = { .enqueue = chaos_enqueue,
					     .dispatch = chaos_dispatch,
					     .exit_task = chaos_exit };

static void chaos_round(struct synth *s, struct chaos *c)
{
	synth_enqueue(s, unit_below(&c->seed, 700));
	engine_cycle(c->engine);
	if (unit_below(&c->seed, 4))
		synth_drain(s);
	if (unit_below(&c->seed, 10) == 0)
		synth_age(s);
	for (uint32_t i = unit_below(&c->seed, 3); i > 0; i--)
		synth_exit(s, unit_below(&c->seed, 1500));
}

/* Kernel's side: nothing is lost. Ours: what is held is what was received and not decided. */
static void check_ledger(struct synth *s, struct table *t, const struct engine_stats *st)
{
	const struct synth_ledger *l = synth_ledger(s);
	struct scx_task *out[2048];

	while (synth_drain(s))
		;
	synth_age(s);
	assert_int_equal(l->queued, l->decided + l->aged_out + l->exited);
	assert_int_equal(st->committed, l->decided + l->stale + l->gone);
	assert_true(st->received >= st->committed);
	assert_int_equal(st->bad_records, 0);
	assert_true(table_held(t, out, 2048) <= table_len(t));
	assert_true(table_len(t) <= 1500 + synth_control(s)->lost_exits);
	assert_true(st->reject_twice > 1000 && st->reject_unknown > 1000);
	assert_true(st->bad_cpu > 1000 && st->bad_slice > 1000 && st->bad_vtime > 1000);
	assert_true(st->forgotten > 1000 && st->defaulted > 1000 && st->bad_flags > 1000);
}

static void run_chaos(uint32_t slots, uint64_t tasks)
{
	static struct engine_stats st;
	struct synth *s = synth_new(1500, 16, 1);
	struct table *t = table_new(slots, NR_CPUS);
	struct engine_view view = { synth_cpus(s), 16, synth_control(s) };
	const struct engine_config cfg = { .slice_ns = DEFAULT_SLICE,
					   .max_slice_ns = MAX_SLICE,
					   .min_slice_ns = MIN_SLICE };
	struct chaos c = { .queue = scx_heap_new(1000), .seed = 1 };
	struct policy p = { .ops = &chaos_ops, .self = &c };

	memset(&st, 0, sizeof(st));
	c.engine = engine_new(&cfg, &view, synth_ring(s), synth_uring(s), t, &st);
	engine_set_policy(c.engine, &p);
	while (st.received < tasks)
		chaos_round(s, &c);
	while (engine_cycle(c.engine))
		;
	engine_set_policy(c.engine, NULL);
	assert_int_equal(engine_flush(c.engine), 0);
	check_ledger(s, t, &st);
	assert_int_equal(st.table_full != 0, slots < 1500);
	engine_free(c.engine);
	scx_queue_free(c.queue);
	table_free(t);
	synth_free(s);
}

static void nothing_is_lost_in_a_million_tasks(void **state)
{
	(void)state;
	run_chaos(2048, 1000000);
}

static void nothing_is_lost_with_a_table_too_small(void **state)
{
	(void)state;
	run_chaos(1024, 300000);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
		WITH_RIG(policy_is_told_once),
		WITH_RIG(policy_is_told_again_of_what_ran_meanwhile),
		WITH_RIG(task_is_once_in_a_batch),
		WITH_RIG(decided_task_is_told_next_time),
		WITH_RIG(events_keep_their_place),
		WITH_RIG(exit_takes_a_task_out_of_its_queue),
		WITH_RIG(exit_takes_waiting_decisions_along),
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
		WITH_RIG(failed_enqueue_gets_defaults),
		WITH_RIG(failed_dispatch_keeps_its_decisions),
		WITH_RIG(failed_event_hooks_are_counted),
		WITH_RIG(without_a_policy_all_is_default),
		WITH_RIG(full_ring_loses_no_decision),
		WITH_RIG(kick_comes_after_earlier_decisions),
		WITH_RIG(full_outbox_stops_the_drain),
		WITH_RIG(full_ring_at_an_error_leaves_tasks_held),
		WITH_RIG(flush_from_a_hook_means_its_engine),
		WITH_RIG(adopt_offers_the_held_oldest_first),
		cmocka_unit_test(nothing_is_lost_in_a_million_tasks),
		cmocka_unit_test(nothing_is_lost_with_a_table_too_small),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
