// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_warmup.c - what a batch costs in memory and traces once a policy is warm, that a failure to
 * compile would be seen, and that the warm-up leaves nothing behind.
 */
#include "policy_rig.h"

static struct policy_stats policy_stats; /* of the last call of stats() */

static void show_abort(const struct lua_abort_row *row, void *arg)
{
	(void)arg;
	print_message("# %s in %s() (%u)\n", row->line, row->hook, row->times);
}

static void steady_state(const char *path)
{
	static const uint32_t sizes[] = { 512, 64, 8, 1, 17, 3 };
	const size_t nr = sizeof(sizes) / sizeof(sizes[0]);
	uint32_t aborts;
	size_t before;

	load_file(path);
	assert_int_equal(lua_policy_watch_traces(rig.lp), 0);
	assert_int_equal(policy_warm_up(rig.lp, &rig.host, rig.error), 0);
	for (size_t i = 0; i < 2 * nr; i++) {
		before = lua_policy_bytes(rig.lp);
		run_tasks(STEADY, sizes[i % nr]);
		if (i >= nr) /* by then the rare branches are compiled too */
			assert_int_equal(lua_policy_bytes(rig.lp) - before, 0);
	}
	aborts = lua_policy_trace_aborts(rig.lp, show_abort, NULL);
	assert_int_equal(aborts, 0);
	assert_int_equal(rig.stats.policy_errors, 0);
	assert_true(rig.stats.committed > STEADY);
}

static void test_fifo_allocates_nothing(void **state)
{
	(void)state;
	steady_state("policies/fifo.lua");
}

static void test_vtime_allocates_nothing(void **state)
{
	(void)state;
	steady_state("policies/vtime.lua");
}

/* A closure per task is what the compiler gives up on. */
static const char uncompilable[] = POLICY("", "for i = 0, n - 1 do local t = tasks[i] "
					      "pcall(function() scx.dispatch(t) end) end");

static void see_hook(const struct lua_abort_row *row, void *arg)
{
	assert_contains(row->line, "t.lua:");
	assert_string_equal(row->hook, "enqueue");
	*(uint32_t *)arg += row->times;
}

/* The recorder itself works: or the zero above would mean nothing. */
static void test_aborts_are_seen(void **state)
{
	uint32_t aborts, seen = 0;

	(void)state;
	assert_int_equal(load_text(uncompilable), 0);
	assert_int_equal(lua_policy_watch_traces(rig.lp), 0);
	run_tasks(STEADY, 64);
	aborts = lua_policy_trace_aborts(rig.lp, NULL, NULL);
	assert_true(aborts > 0);
	assert_int_equal(lua_policy_trace_aborts(rig.lp, see_hook, &seen), aborts);
	assert_int_equal(seen, aborts);
	assert_true(lua_policy_bytes(rig.lp) > STEADY);
}

static void test_aborts_can_be_ignored(void **state)
{
	(void)state;
	assert_int_equal(load_text(uncompilable), 0);
	assert_int_equal(lua_policy_watch_traces(rig.lp), 0);
	assert_int_equal(lua_policy_unwatch_traces(rig.lp), 0);
	run_tasks(STEADY, 64);
	assert_int_equal(lua_policy_trace_aborts(rig.lp, NULL, NULL), 0);
}

static void test_warm_up_leaves_no_trace(void **state)
{
	struct scx_outbox *outbox = engine_outbox(rig.engine);
	static const struct engine_stats zero;

	(void)state;
	load_file("policies/vtime.lua");
	assert_int_equal(policy_warm_up(rig.lp, &rig.host, rig.error), 0);
	assert_ptr_equal(engine_outbox(rig.engine), outbox);
	assert_int_equal(outbox->n, 0);
	assert_memory_equal(&rig.stats, &zero, sizeof(zero));
	assert_int_equal(table_len(rig.table), 0);
	assert_int_equal(synth_ledger(rig.synth)->queued, 0);
	run_tasks(64, 64);
	assert_int_equal(rig.stats.received, 64);
	assert_int_equal(rig.stats.policy_errors, 0);
	assert_true(rig.stats.committed > 0);
}

/* The policy goes on with what it has seen: a time to come would make it wait for it. */
static void test_warm_up_shows_no_future(void **state)
{
	(void)state;
	assert_int_equal(load_text(
				 POLICY("local latest, stop = 0, 0",
					"for i = 0, n - 1 do local t = tasks[i] "
					"latest = math.max(latest, t.enqueue_ns) "
					"stop = math.max(stop, t.stop_ns) scx.dispatch(t) end end, "
					"stats = function(t) "
					"t.ahead = math.max(latest, stop) - scx.now()")),
			 0);
	assert_int_equal(policy_warm_up(rig.lp, &rig.host, rig.error), 0);
	assert_int_equal(lua_policy_stats(rig.lp, &policy_stats), 0);
	assert_int_equal(policy_stats.nr, 1);
	assert_true(policy_stats.stat[0].value < 0);
	assert_true(policy_stats.stat[0].value > -1e9 * 60); /* of this clock, all the same */
}

static void test_warm_up_reports_errors(void **state)
{
	(void)state;
	assert_int_equal(load_text(POLICY("", "error('cold')")), 0);
	assert_int_equal(policy_warm_up(rig.lp, &rig.host, rig.error), -1);
	assert_string_equal(rig.error, "t.lua:4: enqueue(): cold");
	assert_int_equal(table_len(rig.table), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_fifo_allocates_nothing),	WITH_RIG(test_vtime_allocates_nothing),
		WITH_RIG(test_aborts_are_seen),		WITH_RIG(test_aborts_can_be_ignored),
		WITH_RIG(test_warm_up_leaves_no_trace), WITH_RIG(test_warm_up_shows_no_future),
		WITH_RIG(test_warm_up_reports_errors),
	};

	return cmocka_run_group_tests_name("warmup", tests, NULL, NULL);
}
