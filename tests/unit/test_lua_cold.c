// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_lua_cold.c - what is asked of a policy between batches: statistics, options, and the state
 * that one hands over to the next.
 */
#include "policy_rig.h"

#include <stdlib.h>
#include <string.h>

static struct policy_stats policy_stats; /* of the last call of stats() */

static double stat_of(const char *key)
{
	for (uint32_t i = 0; i < policy_stats.nr; i++)
		if (!strcmp(policy_stats.stat[i].key, key))
			return policy_stats.stat[i].value;
	return -1;
}

static void test_stats(void **state)
{
	(void)state;
	assert_int_equal(load_text(
				 "local nr = 0 return { enqueue = function(_, n) nr = nr + n end,"
				 " stats = function(t) t.tasks = nr t.half = 0.5 t.x = 'no' end }"),
			 0);
	run_tasks(8, 8);
	assert_int_equal(lua_policy_stats(rig.lp, &policy_stats), 0);
	assert_int_equal(policy_stats.nr, 2);
	assert_int_equal(policy_stats.refused, 1);	       /* the string */
	assert_string_equal(policy_stats.stat[0].key, "half"); /* sorted */
	assert_true(stat_of("tasks") == 8 && stat_of("half") == 0.5);
	assert_int_equal(load_text(
				 "return { enqueue = function() end, stats = function(t) t() end }"),
			 0);
	assert_int_equal(lua_policy_stats(rig.lp, &policy_stats), -1);
	assert_contains(policy_error(), "t.lua:1: stats(): attempt to call");
	assert_int_equal(load_text("return { enqueue = function() end }"), 0);
	assert_int_equal(lua_policy_stats(rig.lp, &policy_stats), 0);
	assert_int_equal(policy_stats.nr, 0);
	assert_int_equal(load_text("return { enqueue = function() end, stats = function(t)"
				   " for i = 1, 99 do t[('k'):rep(40) .. i] = i end end }"),
			 0);
	assert_int_equal(lua_policy_stats(rig.lp, &policy_stats), 0);
	assert_int_equal(policy_stats.nr, POLICY_STATS_MAX);
	assert_int_equal(policy_stats.refused, 99);
	assert_int_equal(strlen(policy_stats.stat[0].key), POLICY_STAT_KEY_LEN - 1);
}

static void count_rows(const struct lua_option_row *row, void *arg)
{
	int *nr = arg;

	assert_string_equal(row->key, "slice_us");
	assert_string_equal(row->value, "5000");
	assert_string_equal(row->help, "time slice, microseconds");
	assert_string_equal(row->range, "100..100000");
	++*nr;
}

static void test_option_rows(void **state)
{
	int nr = 0;

	(void)state;
	load_file("policies/fifo.lua");
	assert_int_equal(lua_policy_options(rig.lp, count_rows, &nr), 0);
	assert_int_equal(nr, 1);
}

static void test_hand_over(void **state)
{
	static const char keeper[] =
		"local kept = {} return { enqueue = function() kept.n = (kept.n or 0) + 1 end,"
		" export = function() return kept end, import = function(s) kept = s end,"
		" stats = function(t) t.tasks = kept.n end }";
	char *text = NULL;
	size_t len;

	(void)state;
	assert_int_equal(load_text(keeper), 0);
	run_tasks(2, 1);
	assert_int_equal(lua_policy_export(rig.lp, &text, &len), 0);
	assert_int_equal(load_text(keeper), 0);
	assert_int_equal(lua_policy_import(rig.lp, text, len), 0);
	assert_int_equal(lua_policy_stats(rig.lp, &policy_stats), 0);
	assert_true(stat_of("tasks") == 2);
	assert_int_equal(lua_policy_import(rig.lp, text, len - 1), -1);
	assert_contains(policy_error(), "t.lua:1: import(): damaged state at byte");
	free(text);
}

static void test_states_are_compared(void **state)
{
	char difference[POLICY_ERROR_LEN];

	(void)state;
	assert_int_equal(load_text("return { enqueue = function() end }"), 0);
	assert_int_equal(lua_policy_compare(rig.lp, "{s1:an1;}", 9, "{s1:an1;}", 9, difference), 0);
	assert_int_equal(lua_policy_compare(rig.lp, "{s1:an1;}", 9, "{s1:an2;}", 9, difference), 1);
	assert_string_equal(difference, "state.a was 1, is 2");
	assert_int_equal(lua_policy_compare(rig.lp, "{s1:an1;", 8, "{}", 2, difference), -1);
	assert_contains(policy_error(), "damaged state");
}

static void test_hand_over_nothing(void **state)
{
	char *text = NULL;
	size_t len = 0;

	(void)state;
	load_file("policies/fifo.lua");
	assert_int_equal(lua_policy_export(rig.lp, &text, &len), 0);
	assert_null(text);
	assert_int_equal(lua_policy_import(rig.lp, NULL, 0), 0);
	assert_int_equal(lua_policy_import(rig.lp, "{}", 2), 0);
	assert_int_equal(load_text("return { enqueue = function() end, import = function() end,"
				   " export = function() return { print = pcall } end }"),
			 0);
	assert_int_equal(lua_policy_export(rig.lp, &text, &len), -1);
	assert_contains(policy_error(), "export(): state.print: expected plain data, got function");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_stats),
		WITH_RIG(test_option_rows),
		WITH_RIG(test_hand_over),
		WITH_RIG(test_states_are_compared),
		WITH_RIG(test_hand_over_nothing),
	};

	return cmocka_run_group_tests_name("lua_cold", tests, NULL, NULL);
}
