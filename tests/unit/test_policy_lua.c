// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_policy_lua.c - a Lua policy while it schedules: its errors, what its hooks may return, its
 * log, and the collector.
 */
#include "policy_rig.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* ---- errors while running ---- */

static void test_error_is_one_line(void **state)
{
	(void)state;
	assert_int_equal(load_text(POLICY("local function deep(x)\n return x.a.b end",
					  "scx.dispatch(tasks[0])\ndeep({})")),
			 0);
	run_tasks(1, 1);
	assert_int_equal(rig.stats.policy_errors, 1);
	assert_string_equal(policy_error(), "t.lua:3: enqueue(): attempt to index field 'a' (a nil "
					    "value); called from t.lua:6");
	assert_int_equal(load_text(POLICY("", "error('one\\ntwo')")), 0);
	run_tasks(1, 1);
	assert_string_equal(policy_error(), "t.lua:4: enqueue(): one two");
}

static void test_goes_on_after_errors(void **state)
{
	(void)state;
	assert_int_equal(
		load_text(POLICY("local nr = 0",
				 "nr = nr + 1 if nr % 3 == 0 then error(nil) end " FIFO_LOOP)),
		0);
	run_tasks(9000, 3);
	assert_int_equal(rig.stats.policy_errors, 1000);
	assert_string_equal(policy_error(), "t.lua:4: enqueue(): (the error object is nil)");
	assert_int_equal(rig.stats.committed, 9000);
}

/* Every odd value that dispatch() may return; none may end in more than an error. */
static void test_dispatch_results(void **state)
{
	static const struct {
		const char *value;
		int errors;
	} cases[] = { { "nil", 0 }, { "0", 0 },	  { "3.5", 0 }, { "1e300", 0 }, { "1/0", 0 },
		      { "-1", 1 },  { "0/0", 1 }, { "'5'", 1 }, { "{}", 1 },	{ "true", 1 } };
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text),
			 "return { enqueue = function() end, dispatch = function() return %s end }",
			 cases[i].value);
		assert_int_equal(load_text(text), 0);
		assert_true(lua_policy_ops(rig.lp)->ops->dispatch(lua_policy_ops(rig.lp), 4) ==
				    -cases[i].errors ||
			    !cases[i].errors);
		if (cases[i].errors)
			assert_contains(policy_error(),
					"t.lua:1: dispatch(): must return how many");
	}
}

/* A policy that returns nothing from dispatch() is asked again as long as it uses its room. */
static void test_dispatch_returns_nothing(void **state)
{
	struct policy *p;

	(void)state;
	assert_int_equal(load_text("local scx = require 'scx' local given = 0 return { "
				   "enqueue = function() end, dispatch = function(room) "
				   "while given < 10 and room > 0 do scx.dispatch(nil) "
				   "given = given + 1 room = room - 1 end end }"),
			 0);
	p = lua_policy_ops(rig.lp);
	assert_int_equal(p->ops->dispatch(p, 8), 1);
	assert_int_equal(p->ops->dispatch(p, 8), 0);
}

static void test_out_of_memory_at_run_time(void **state)
{
	(void)state;
	rig.host.arena_bytes = 4 << 20;
	assert_int_equal(load_text(POLICY("local nr = 0",
					  "nr = nr + 1 if nr == 2 then local s = 'xxxxxxxx'"
					  " for _ = 1, 30 do s = s .. s end end " FIFO_LOOP)),
			 0);
	run_tasks(4, 1);
	assert_int_equal(rig.stats.policy_errors, 1);
	assert_contains(policy_error(), "t.lua:3: enqueue(): not enough memory");
	assert_true(lua_policy_ran_out(rig.lp));
	assert_int_equal(rig.stats.committed, 4);
}

/* What the policy writes to stderr while n tasks come in one by one; at most size - 1 bytes. */
static void capture_log(uint32_t n, char *text, size_t size)
{
	int saved = dup(STDERR_FILENO);
	int pipes[2];
	ssize_t len;

	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	close(pipes[1]);
	run_tasks(n, 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	len = read(pipes[0], text, size - 1);
	close(pipes[0]);
	text[len > 0 ? len : 0] = '\0';
}

static void test_log_is_limited(void **state)
{
	char text[4096];
	int lines = 0;

	(void)state;
	assert_int_equal(load_text(POLICY("", "scx.log('pid %d\\n', tasks[0].pid)")), 0);
	capture_log(100, text, sizeof(text));
	assert_memory_equal(text, "t: pid 1000 \n", 13);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_in_range(lines, 10, 20);
	usleep(300000);
	capture_log(1, text, sizeof(text));
	assert_contains(text, "lines dropped) pid ");
}

static void test_decisions_have_lines(void **state)
{
	struct policy *p;
	struct scx_task *tasks[2];
	struct scx_outbox *outbox = engine_outbox(rig.engine);

	(void)state;
	rig.host.mark_lines = true;
	assert_int_equal(load_text("local scx = require 'scx'\n"
				   "local function one(t)\n"
				   "	scx.dispatch(t)\n"
				   "end\n"
				   "return { enqueue = function(tasks)\n"
				   "	one(tasks[0])\n"
				   "	scx.dispatch(tasks[1], 3, 5e6, 7, scx.PREEMPT)\n"
				   "end }"),
			 0);
	tasks[0] = table_take(rig.table, 1);
	tasks[1] = table_take(rig.table, 2);
	p = lua_policy_ops(rig.lp);
	assert_int_equal(p->ops->enqueue(p, tasks, 2), 0);
	assert_int_equal(outbox->n, 2);
	assert_int_equal(outbox->decision[0].reserved, 3);
	assert_int_equal(outbox->decision[1].reserved, 7);
	assert_ptr_equal(outbox->decision[1].task, tasks[1]);
	assert_true(outbox->decision[1].cpu == 3 && outbox->decision[1].slice_ns == 5e6);
	assert_true(outbox->decision[1].vtime == 7 && outbox->decision[1].flags == SCX_PREEMPT);
}

/* ---- the collector ---- */

static const char littering[] = POLICY("local keep = {}", "for i = 0, n - 1 do keep[1] = { i } "
							  "scx.dispatch(tasks[i]) end");

static void test_collector_is_stopped(void **state)
{
	size_t before;

	(void)state;
	rig.host.arena_bytes = 256 << 20;
	assert_int_equal(load_text(littering), 0);
	before = lua_policy_bytes(rig.lp);
	run_tasks(STEADY, 64);
	assert_true(lua_policy_bytes(rig.lp) - before > 32 * STEADY);
	for (int i = 0; i < 2000; i++)
		engine_idle(rig.engine);
	assert_true(lua_policy_bytes(rig.lp) < before + 300000);
}

/* A machine that is never idle: memory stays below the arena all the same. */
static void test_relief_without_idle(void **state)
{
	(void)state;
	rig.host.arena_bytes = 8 << 20;
	assert_int_equal(load_text(littering), 0);
	run_tasks(10 * STEADY, 64);
	assert_int_equal(rig.stats.policy_errors, 0);
	assert_true(lua_policy_bytes(rig.lp) < 8 << 20);
}

/* A leak of small things becomes an error before memory is out, and stays one. */
static void test_leak_is_an_error(void **state)
{
	(void)state;
	rig.host.arena_bytes = 8 << 20;
	assert_int_equal(load_text(POLICY("local kept", "for i = 0, n - 1 do kept = { kept } "
							"scx.dispatch(tasks[i]) end")),
			 0);
	run_tasks(STEADY, 8);
	assert_false(lua_policy_ran_out(rig.lp));
	assert_contains(policy_error(), "t.lua:3: enqueue(): not enough memory: the policy has "
					"used up its arena (");
	assert_true(rig.stats.policy_errors > 100);
	assert_true(rig.stats.committed > STEADY / 2);
}

static void test_finalizer_that_raises(void **state)
{
	(void)state;
	assert_int_equal(
		load_text(
			"local ffi = require 'ffi' return { enqueue = function() for _ = 1, 2000 do "
			"ffi.gc(ffi.new('int[9]'), function() error('never mind') end) end end }"),
		0);
	run_tasks(8, 1);
	for (int i = 0; i < 2000; i++)
		engine_idle(rig.engine);
	lua_policy_collect(rig.lp);
	assert_int_equal(rig.stats.policy_errors, 0);
}

/* After a collection, without the compiler, the heap is what the policy keeps. */
static void test_interpreted_heap_is_exact(void **state)
{
	size_t before;

	(void)state;
	assert_int_equal(load_text(POLICY("local kept, nr = {}, 0",
					  FIFO_LOOP "nr = nr + 1 "
						    "local list = { nr, {} } "
						    "if nr % 100 == 0 then kept[1] = list end")),
			 0);
	lua_policy_interpret(rig.lp);
	for (int i = 0; i < 2; i++) {
		run_tasks(2000, 8);
		lua_policy_collect(rig.lp);
	}
	before = lua_policy_bytes(rig.lp);
	run_tasks(2000, 8);
	assert_true(lua_policy_bytes(rig.lp) > before);
	lua_policy_collect(rig.lp);
	assert_int_equal(lua_policy_bytes(rig.lp), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_error_is_one_line),	  WITH_RIG(test_goes_on_after_errors),
		WITH_RIG(test_dispatch_results),	  WITH_RIG(test_dispatch_returns_nothing),
		WITH_RIG(test_out_of_memory_at_run_time), WITH_RIG(test_log_is_limited),
		WITH_RIG(test_decisions_have_lines),	  WITH_RIG(test_collector_is_stopped),
		WITH_RIG(test_relief_without_idle),	  WITH_RIG(test_leak_is_an_error),
		WITH_RIG(test_finalizer_that_raises),	  WITH_RIG(test_interpreted_heap_is_exact),
	};

	return cmocka_run_group_tests_name("policy_lua", tests, NULL, NULL);
}
