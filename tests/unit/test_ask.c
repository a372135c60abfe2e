// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_ask.c - what a policy can ask while a hook runs: affinity, an idle CPU, kicks, numbers.
 *
 * The machine has 8 CPUs: 0-3 and 4-7 share a last-level cache each; 0 and 1, 2 and 3, ... are
 * siblings. The policy's enqueue() calls what the test has set.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "engine.h"
#include "synth.h"

enum { NR_CPUS = 8, NR_THREADS = 16, MS = 1000000 };

struct rig {
	struct synth *synth;
	struct table *table;
	struct engine *engine;
	struct engine_stats stats;
	struct scx_cpu cpus[NR_CPUS];
	struct policy policy;
	struct policy_ops ops;
	struct scx_task *task; /* the last that the policy was told of */
	void (*in_hook)(void);
};

static struct rig r;

static int rig_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	r.task = tasks[n - 1];
	if (r.in_hook)
		r.in_hook();
	return 0;
}

static int setup(void **state)
{
	const struct engine_config cfg = { .slice_ns = 5 * MS,
					   .max_slice_ns = 100 * MS,
					   .min_slice_ns = MS / 10 };
	struct engine_view view = { r.cpus, NR_CPUS, NULL };

	(void)state;
	memset(&r, 0, sizeof(r));
	for (int i = 0; i < NR_CPUS; i++)
		r.cpus[i] = (struct scx_cpu){
			.online = 1, .core = i / 2, .sibling = i ^ 1, .llc = i / 4
		};
	r.synth = synth_new(NR_THREADS, NR_CPUS, 1);
	r.table = table_new(2 * NR_THREADS, NR_CPUS);
	view.control = synth_control(r.synth);
	r.engine = engine_new(&cfg, &view, synth_ring(r.synth), synth_uring(r.synth), r.table,
			      &r.stats);
	r.ops.enqueue = rig_enqueue;
	r.policy.ops = &r.ops;
	engine_set_policy(r.engine, &r.policy);
	return r.engine ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	engine_free(r.engine);
	table_free(r.table);
	synth_free(r.synth);
	return 0;
}

static void in_hook(void (*fn)(void))
{
	r.in_hook = fn;
	synth_enqueue(r.synth, 1);
	engine_cycle(r.engine);
	assert_non_null(r.task);
}

static void idle(const char *cpus)
{
	for (int i = 0; i < NR_CPUS; i++)
		r.cpus[i].idle = strchr(cpus, '0' + i) != NULL;
}

static void allow(uint64_t mask)
{
	struct scxlua_affinity rec = { .mask = { mask } };

	table_set_mask(r.table, r.task, &rec);
}

/* ---- affinity ---- */

static void ask_allowed(void)
{
	allow(0x11);
	assert_true(scx_allowed(r.task, 0) && scx_allowed(r.task, 4));
	assert_false(scx_allowed(r.task, 1) || scx_allowed(r.task, 8) || scx_allowed(r.task, -1));
	assert_false(scx_allowed(r.task, NAN) || scx_allowed(r.task, 1e300));
	assert_false(scx_allowed(NULL, 0));
	assert_false(scx_allowed((const struct scx_task *)(uintptr_t)0x1000, 0));
	assert_false(scx_allowed((const struct scx_task *)((const char *)r.task + 8), 0));
}

static void allowed_is_the_affinity(void **state)
{
	(void)state;
	in_hook(ask_allowed);
	assert_false(scx_allowed(r.task, 0)); /* nobody to ask */
}

/* ---- idle CPUs ---- */

/* What is idle, on which CPU the task was last, where it may run, what it should get. */
static const struct pick_row {
	const char *idle;
	int last;
	uint64_t mask;
	int want;
	const char *why;
} pick_rows[] = {
	{ "", 0, 0xff, -1, "nothing is idle" },
	{ "23", 3, 0xff, 3, "its own CPU, the core is idle" },
	{ "367", 3, 0xff, 6, "a whole core elsewhere before its own CPU beside a busy one" },
	{ "0123", 2, 0xff, 2, "its own core before another" },
	{ "0145", 2, 0xff, 0, "a core on the same cache" },
	{ "045", 2, 0xff, 4, "a core on another cache before half a core on this one" },
	{ "05", 2, 0xff, 0, "half a core on the same cache" },
	{ "5", 2, 0xff, 5, "half a core on another cache" },
	{ "0123", 2, 0x30, -1, "only where it may run" },
	{ "01234", 2, 0x30, 4, "affinity counts more than nearness" },
	{ "7", 99, 0xff, 7, "a last CPU that is none" },
};

static const struct pick_row *pick_row;

static void ask_pick(void)
{
	int got;

	allow(pick_row->mask);
	r.task->cpu = pick_row->last;
	idle(pick_row->idle);
	got = scx_pick_idle(r.task, -1);
	if (got != pick_row->want)
		fail_msg("%s: wanted %d, got %d", pick_row->why, pick_row->want, got);
}

static void the_best_idle_cpu(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pick_rows) / sizeof(pick_rows[0]); i++) {
		pick_row = &pick_rows[i];
		teardown(NULL);
		setup(NULL);
		in_hook(ask_pick);
	}
}

static void ask_twice(void)
{
	idle("01");
	r.task->cpu = 0;
	assert_int_equal(scx_pick_idle(r.task, -1), 0);
	assert_int_equal(scx_pick_idle(r.task, -1), 1);
	assert_int_equal(scx_pick_idle(r.task, -1), -1);
	idle("1");
	assert_int_equal(scx_pick_idle(r.task, -1), -1); /* sees that CPU 0 is busy */
	idle("01");
	assert_int_equal(scx_pick_idle(r.task, -1), 0); /* and idle anew */
	engine_outbox(r.engine)->now_ns += 1.1 * MS;
	assert_int_equal(scx_pick_idle(r.task, -1), 0); /* never used: free again after a while */
	r.cpus[1].online = 0;
	assert_int_equal(scx_pick_idle(r.task, -1), -1);
	assert_int_equal(scx_pick_idle(NULL, -1), -1);
}

static void ask_near(void)
{
	idle("0145");
	r.task->cpu = 2;
	assert_int_equal(scx_pick_idle(r.task, 1), 4);
	assert_int_equal(scx_pick_idle(r.task, 1), 5);
	assert_int_equal(scx_pick_idle(r.task, 1), -1);
	idle("1");
	assert_int_equal(scx_pick_idle(r.task, 1), -1); /* sees that CPUs 4 and 5 are busy */
	idle("145");
	assert_int_equal(scx_pick_idle(r.task, 0), 1); /* though a whole core is idle elsewhere */
	r.task->cpu = 1;
	assert_int_equal(scx_pick_idle(r.task, 1), 4);
	assert_int_equal(scx_pick_idle(r.task, 2), -1);
	assert_int_equal(scx_pick_idle(r.task, 0.5), -1);
	assert_int_equal(scx_pick_idle(r.task, NAN), -1);
	assert_int_equal(scx_pick_idle(r.task, -1), 5);
}

static void an_idle_cpu_of_one_cache(void **state)
{
	(void)state;
	in_hook(ask_near);
}

static void a_cpu_is_given_out_once(void **state)
{
	(void)state;
	in_hook(ask_twice);
	assert_int_equal(scx_pick_idle(r.task, -1), -1); /* nobody to ask */
}

/* Rows that say nothing of siblings must not make it go round for ever. */
static void ask_blank(void)
{
	for (int i = 0; i < NR_CPUS; i++)
		r.cpus[i].sibling = i == 3 ? 99 : 0;
	idle("3");
	assert_int_equal(scx_pick_idle(r.task, -1), 3);
	idle("012567");
	assert_true(scx_pick_idle(r.task, -1) >= 0);
}

static void a_machine_without_topology(void **state)
{
	(void)state;
	in_hook(ask_blank);
}

/* ---- kicks and numbers ---- */

static void ask_kick(void)
{
	assert_int_equal(scx_kick(1, 0), 0);
	assert_int_equal(scx_kick(2, SCX_PREEMPT | SCX_IF_IDLE), 0);
	assert_int_equal(r.stats.bad_cpu, 0);
	assert_int_equal(scx_kick(-1, 0), 0);
	assert_int_equal(scx_kick(8, 0), 0);
	assert_int_equal(scx_kick(NAN, 0), 0);
	r.cpus[3].online = 0;
	assert_int_equal(scx_kick(3, 0), 0);
	assert_int_equal(r.stats.bad_cpu, 4);
	assert_int_equal(r.stats.committed, 0);
}

static void ask_kick_until_full(void)
{
	uint32_t n = 0;

	while (!scx_kick(0, 0))
		assert_true(++n < 1000000);
	assert_true(n > 100);
}

static void kicks_reach_the_kernel(void **state)
{
	(void)state;
	in_hook(ask_kick);
	synth_drain(r.synth);
	assert_int_equal(synth_ledger(r.synth)->kicks, 2);
	assert_int_equal(synth_ledger(r.synth)->gone, 0);
	in_hook(ask_kick_until_full);
	assert_int_equal(scx_kick(1, 0), 0); /* nobody to ask */
}

static void ask_numbers(void)
{
	struct scx_outbox *o = engine_outbox(r.engine);

	assert_int_equal(scx_nr_held(), 1);
	assert_int_equal(scx_nr_queued(), 3 + 2 + 5);
	assert_int_equal(scx_nr_running(), 2);
	o->decision[o->n++] = (struct scx_decision){ r.task, -1, 0, 0, 0, 0 };
	assert_int_equal(scx_nr_held(), 0);
	assert_int_equal(scx_nr_queued(), 3 + 2 + 5 + 1);
}

static void numbers_are_those_of_now(void **state)
{
	(void)state;
	r.cpus[0].task_pid = r.cpus[5].task_pid = 100;
	r.cpus[0].queued = 2;
	r.cpus[5].queued = 3;
	synth_control(r.synth)->shared_depth = 5;
	in_hook(ask_numbers);
	assert_int_equal(scx_nr_held() + scx_nr_queued() + scx_nr_running(), 0);
}

/* The policy may set the default slice, and whatever it writes there is checked. */
static void the_default_slice_can_be_set(void **state)
{
	static const struct {
		uint32_t us, want_us;
	} row[] = { { 3000, 3000 }, { 0, 5000 }, { 99, 5000 }, { 100, 100 }, { 100001, 5000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct scx_outbox *o = engine_outbox(r.engine);

		in_hook(NULL);
		o->default_slice_us_ = row[i].us;
		o->decision[o->n++] = (struct scx_decision){ r.task, -1, 0, 0, 0, 0 };
		engine_flush(r.engine);
		synth_drain(r.synth);
		assert_int_equal(synth_slice(r.synth, (uint32_t)i), row[i].want_us * 1000);
	}
	assert_int_equal(r.stats.bad_slice, 0);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(allowed_is_the_affinity),    WITH_RIG(the_best_idle_cpu),
		WITH_RIG(an_idle_cpu_of_one_cache),   WITH_RIG(a_cpu_is_given_out_once),
		WITH_RIG(a_machine_without_topology), WITH_RIG(kicks_reach_the_kernel),
		WITH_RIG(numbers_are_those_of_now),   WITH_RIG(the_default_slice_can_be_set),
	};

	return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
