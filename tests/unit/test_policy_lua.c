// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_policy_lua.c - Lua policies in the engine: loading, errors, the warm-up, what a batch
 * costs in memory and traces, the collector, options and state.
 *
 * Messages for wrong scripts are compared in tests/cli/check.t; here is what a process cannot
 * show. Needs the library: SCXLUA_LIBDIR, or ./lua when run from the top of the tree.
 */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synth.h"
#include "warmup.h"

enum {
	NR_THREADS = 2048,
	NR_CPUS = 4,
	MS = 1000000,
	ARENA = 32 << 20,
	STEADY = 100000, /* tasks */
};

struct rig {
	struct synth *synth;
	struct table *table;
	struct engine *engine;
	struct engine_stats stats;
	struct lua_host host;
	struct lua_policy *lp;
	char error[POLICY_ERROR_LEN];
};

static struct rig r;
static struct policy_stats policy_stats; /* of the last call of stats() */

static int set_up(void **state)
{
	static const struct engine_config cfg = { .slice_ns = 5 * MS,
						  .max_slice_ns = 100 * MS,
						  .min_slice_ns = MS / 100 };
	struct engine_view view;

	(void)state;
	memset(&r, 0, sizeof(r));
	r.synth = synth_new(NR_THREADS, NR_CPUS, 1);
	r.table = table_new(2 * NR_THREADS, NR_CPUS);
	view = (struct engine_view){ synth_cpus(r.synth), NR_CPUS, synth_control(r.synth) };
	r.engine = engine_new(&cfg, &view, synth_ring(r.synth), synth_uring(r.synth), r.table,
			      &r.stats);
	r.host = (struct lua_host){
		.engine = r.engine,
		.cpus = view.cpus,
		.nr_cpus = NR_CPUS,
		.max_tasks = NR_THREADS,
		.libdir = getenv("SCXLUA_LIBDIR") ? NULL : "lua",
		.arena_bytes = ARENA,
		.load_ns = 1000 * MS,
	};
	return r.synth && r.table && r.engine ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	lua_policy_free(r.lp);
	engine_free(r.engine);
	table_free(r.table);
	synth_free(r.synth);
	return 0;
}

/* Loads a script given as text; 0 or -1 and r.error. */
static int load_text(const char *text)
{
	struct script script = { .path = (char *)(uintptr_t)"t.lua",
				 .text = (char *)(uintptr_t)text,
				 .len = strlen(text) };

	lua_policy_free(r.lp);
	r.lp = NULL;
	if (lua_policy_new(&r.lp, &script, &r.host, r.error))
		return -1;
	engine_set_policy(r.engine, lua_policy_ops(r.lp));
	return 0;
}

static void load_file(const char *path)
{
	struct script *script;

	assert_int_equal(script_read(&script, path, r.error), 0);
	assert_int_equal(lua_policy_new(&r.lp, script, &r.host, r.error), 0);
	script_free(script);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static void refuses(const char *text, const char *message)
{
	assert_int_equal(load_text(text), -1);
	assert_contains(r.error, message);
}

static const char *policy_error(void)
{
	return lua_policy_ops(r.lp)->error;
}

static void run(uint32_t tasks, uint32_t size)
{
	for (uint32_t i = 0; i < tasks / size; i++) {
		synth_enqueue(r.synth, size);
		engine_cycle(r.engine);
		engine_cycle(r.engine);
		synth_drain(r.synth);
	}
}

#define FIFO_LOOP "for i = 0, n - 1 do scx.dispatch(tasks[i]) end "

/* A whole policy around the body of enqueue(). */
#define POLICY(before, body)                                                                       \
	"local scx = require 'scx'\n" before "\nreturn { enqueue = function(tasks, n)\n" body      \
	"\nend }"

/* ---- scripts ---- */

static void test_script_hash(void **state)
{
	struct script *a, *b;

	(void)state;
	assert_int_equal(script_read(&a, "policies/fifo.lua", r.error), 0);
	assert_int_equal(script_read(&b, "policies/fifo.lua", r.error), 0);
	assert_true(a->hash == b->hash && a->hash != 0);
	assert_int_equal(a->len, strlen(a->text));
	script_free(b);
	assert_int_equal(script_read(&b, "policies/vtime.lua", r.error), 0);
	assert_true(a->hash != b->hash);
	script_free(a);
	script_free(b);
	script_free(NULL);
}

static void test_script_too_large(void **state)
{
	char path[] = "/tmp/scxlua-test-XXXXXX";
	int fd = mkstemp(path);
	struct script *s;

	(void)state;
	assert_true(fd >= 0 && !ftruncate(fd, (1 << 20) + 1));
	assert_int_equal(script_read(&s, path, r.error), -1);
	assert_contains(r.error, "1048577 bytes, a policy has at most 1048576");
	close(fd);
	unlink(path);
}

/* ---- loading ---- */

static void test_facts(void **state)
{
	(void)state;
	load_file("policies/vtime.lua");
	assert_string_equal(lua_policy_name(r.lp), "vtime");
	assert_int_equal(lua_policy_builtin_idle(r.lp), -1);
	assert_contains(lua_policy_where(r.lp, HOOK_ENQUEUE), "policies/vtime.lua:");
	assert_contains(lua_policy_where(r.lp, HOOK_DISPATCH), "policies/vtime.lua:");
	assert_string_equal(lua_policy_where(r.lp, HOOK_TICK), "");
	assert_contains(lua_policy_where_key(r.lp, "export"), "policies/vtime.lua:");
	assert_string_equal(lua_policy_where_key(r.lp, "enqueue"),
			    lua_policy_where(r.lp, HOOK_ENQUEUE));
	assert_string_equal(lua_policy_where_key(r.lp, "cpu_offline"), "");
	assert_string_equal(lua_policy_where_key(r.lp, "no such key"), "");
	assert_string_equal(lua_policy_where(r.lp, HOOK_IDLE), "");
	assert_null(lua_policy_warning(r.lp));
	assert_null(lua_policy_ops(r.lp)->ops->exit_task);
	assert_true(lua_policy_peak(r.lp) > 0);
}

static void test_options_at_load(void **state)
{
	const struct lua_option options[] = { { "slice_us", "3000" }, { "builtin_idle", "off" } };

	(void)state;
	r.host.options = options;
	r.host.nr_options = 2;
	load_file("policies/fifo.lua");
	assert_int_equal(lua_policy_builtin_idle(r.lp), 0);
	engine_set_policy(r.engine, lua_policy_ops(r.lp));
	run(8, 8);
	assert_int_equal(synth_slice(r.synth, 0), 3000000);
	assert_int_equal(lua_policy_set(r.lp, "slice_us", "700"), 0);
	run(NR_THREADS, NR_THREADS);
	assert_int_equal(synth_slice(r.synth, 0), 700000);
	assert_int_equal(lua_policy_set(r.lp, "slice_us", "7"), -1);
	assert_string_equal(policy_error(), "slice_us: expected 100..100000, got 7");
}

static void test_init_gets_host(void **state)
{
	(void)state;
	assert_int_equal(
		load_text(
			"local scx = require 'scx' return { options = { a = { 7, 'x' } }, enqueue = function() end,"
			" init = function(host) assert(host.nr_cpus == 4 and scx.nr_cpus == 4)"
			" assert(host.options.a == 7 and scx.opt.a == 7) assert(host.max_tasks == 2048)"
			" assert(host.cpus[3].online == 1 and scx.cpus[0].online == 1)"
			" assert(scx.slice_us == 5000) assert(host.name == 't') end }"),
		0);
}

static void test_limits_at_load(void **state)
{
	(void)state;
	r.host.load_ns = 20 * MS;
	refuses("\nwhile true do end", "t.lua:2: still running after 20 ms");
	refuses("while true do pcall(function() while true do end end) end", "still running after");
	refuses("local c = coroutine.wrap(function() while true do end end) pcall(c) "
		"return { enqueue = function() end }",
		"still running after");
	refuses("local t = {} for i = 1, 1e9 do t[i] = {} end", "still running after");
	r.host.load_ns = 5000ull * MS;
	refuses("local t = {} for i = 1, 1e9 do t[i] = {} end", "not enough memory");
	refuses("return ('x'):rep(1e9)", "not enough memory");
}

static void test_sandbox(void **state)
{
	(void)state;
	refuses("return require('ffi').load('m')", "attempt to call field 'load'");
	refuses("return getmetatable('').__index.dump()", "attempt to call field 'dump'");
	refuses("return setmetatable(_G, {})", "cannot change a protected metatable");
	refuses("return load('\\27LJ')()", "attempt to call a nil value");
	refuses("return loadstring('\\27LJ')()", "attempt to call a nil value");
	refuses("return jit.off()", "global \"jit\" is not available");
	refuses("return collectgarbage('restart')", "global \"collectgarbage\" is not available");
	refuses("require('scx').heap(0)", "t.lua:1: scx.heap: expected a capacity of 1..16777216");
	refuses("require('scx').mine = 1", "t.lua:1: scx.mine: nothing can be added to scx");
	refuses("local s = require 'scx'.opt.x", "options have their values from init() on");
	assert_int_equal(load_text("local t, f = {}, load('return 1') t[f()] = require 'bit' "
				   "return { enqueue = function() return t end }"),
			 0);
}

static void test_no_library(void **state)
{
	(void)state;
	r.host.libdir = "/nonexistent";
	refuses("return {}", "cannot read /nonexistent/scx/strict.lua: No such file or directory");
}

/* ---- errors while running ---- */

static void test_error_is_one_line(void **state)
{
	(void)state;
	assert_int_equal(load_text(POLICY("local function deep(x)\n return x.a.b end",
					  "scx.dispatch(tasks[0])\ndeep({})")),
			 0);
	run(1, 1);
	assert_int_equal(r.stats.policy_errors, 1);
	assert_string_equal(policy_error(), "t.lua:3: enqueue(): attempt to index field 'a' (a nil "
					    "value); called from t.lua:6");
	assert_int_equal(load_text(POLICY("", "error('one\\ntwo')")), 0);
	run(1, 1);
	assert_string_equal(policy_error(), "t.lua:4: enqueue(): one two");
}

static void test_goes_on_after_errors(void **state)
{
	(void)state;
	assert_int_equal(
		load_text(POLICY("local nr = 0",
				 "nr = nr + 1 if nr % 3 == 0 then error(nil) end " FIFO_LOOP)),
		0);
	run(9000, 3);
	assert_int_equal(r.stats.policy_errors, 1000);
	assert_string_equal(policy_error(), "t.lua:4: enqueue(): (the error object is nil)");
	assert_int_equal(r.stats.committed, 9000);
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
		assert_true(lua_policy_ops(r.lp)->ops->dispatch(lua_policy_ops(r.lp), 4) ==
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
	p = lua_policy_ops(r.lp);
	assert_int_equal(p->ops->dispatch(p, 8), 1);
	assert_int_equal(p->ops->dispatch(p, 8), 0);
}

static void test_out_of_memory_at_run_time(void **state)
{
	(void)state;
	r.host.arena_bytes = 4 << 20;
	assert_int_equal(load_text(POLICY("local nr = 0",
					  "nr = nr + 1 if nr == 2 then local s = 'xxxxxxxx'"
					  " for _ = 1, 30 do s = s .. s end end " FIFO_LOOP)),
			 0);
	run(4, 1);
	assert_int_equal(r.stats.policy_errors, 1);
	assert_contains(policy_error(), "t.lua:3: enqueue(): not enough memory");
	assert_true(lua_policy_ran_out(r.lp));
	assert_int_equal(r.stats.committed, 4);
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
	run(n, 1);
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

/* ---- what a batch costs ---- */

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
	assert_int_equal(lua_policy_watch_traces(r.lp), 0);
	assert_int_equal(policy_warm_up(r.lp, &r.host, r.error), 0);
	for (size_t i = 0; i < 2 * nr; i++) {
		before = lua_policy_bytes(r.lp);
		run(STEADY, sizes[i % nr]);
		if (i >= nr) /* by then the rare branches are compiled too */
			assert_int_equal(lua_policy_bytes(r.lp) - before, 0);
	}
	aborts = lua_policy_trace_aborts(r.lp, show_abort, NULL);
	assert_int_equal(aborts, 0);
	assert_int_equal(r.stats.policy_errors, 0);
	assert_true(r.stats.committed > STEADY);
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
	assert_int_equal(load_text(POLICY("", "for i = 0, n - 1 do local t = tasks[i] "
					      "pcall(function() scx.dispatch(t) end) end")),
			 0);
	assert_int_equal(lua_policy_watch_traces(r.lp), 0);
	run(STEADY, 64);
	aborts = lua_policy_trace_aborts(r.lp, NULL, NULL);
	assert_true(aborts > 0);
	assert_int_equal(lua_policy_trace_aborts(r.lp, see_hook, &seen), aborts);
	assert_int_equal(seen, aborts);
	assert_true(lua_policy_bytes(r.lp) > STEADY);
}

static void test_aborts_can_be_ignored(void **state)
{
	(void)state;
	assert_int_equal(load_text(POLICY("", "for i = 0, n - 1 do local t = tasks[i] "
					      "pcall(function() scx.dispatch(t) end) end")),
			 0);
	assert_int_equal(lua_policy_watch_traces(r.lp), 0);
	assert_int_equal(lua_policy_unwatch_traces(r.lp), 0);
	run(STEADY, 64);
	assert_int_equal(lua_policy_trace_aborts(r.lp, NULL, NULL), 0);
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
	lua_policy_interpret(r.lp);
	for (int i = 0; i < 2; i++) {
		run(2000, 8);
		lua_policy_collect(r.lp);
	}
	before = lua_policy_bytes(r.lp);
	run(2000, 8);
	assert_true(lua_policy_bytes(r.lp) > before);
	lua_policy_collect(r.lp);
	assert_int_equal(lua_policy_bytes(r.lp), before);
}

static void test_decisions_have_lines(void **state)
{
	struct policy *p;
	struct scx_task *tasks[2];
	struct scx_outbox *outbox = engine_outbox(r.engine);

	(void)state;
	r.host.mark_lines = true;
	assert_int_equal(load_text("local scx = require 'scx'\n"
				   "local function one(t)\n"
				   "	scx.dispatch(t)\n"
				   "end\n"
				   "return { enqueue = function(tasks)\n"
				   "	one(tasks[0])\n"
				   "	scx.dispatch(tasks[1], 3, 5e6, 7, scx.PREEMPT)\n"
				   "end }"),
			 0);
	tasks[0] = table_take(r.table, 1);
	tasks[1] = table_take(r.table, 2);
	p = lua_policy_ops(r.lp);
	assert_int_equal(p->ops->enqueue(p, tasks, 2), 0);
	assert_int_equal(outbox->n, 2);
	assert_int_equal(outbox->decision[0].reserved, 3);
	assert_int_equal(outbox->decision[1].reserved, 7);
	assert_ptr_equal(outbox->decision[1].task, tasks[1]);
	assert_true(outbox->decision[1].cpu == 3 && outbox->decision[1].slice_ns == 5e6);
	assert_true(outbox->decision[1].vtime == 7 && outbox->decision[1].flags == SCX_PREEMPT);
}

static void test_warm_up_leaves_no_trace(void **state)
{
	struct scx_outbox *outbox = engine_outbox(r.engine);
	static const struct engine_stats zero;

	(void)state;
	load_file("policies/vtime.lua");
	assert_int_equal(policy_warm_up(r.lp, &r.host, r.error), 0);
	assert_ptr_equal(engine_outbox(r.engine), outbox);
	assert_int_equal(outbox->n, 0);
	assert_memory_equal(&r.stats, &zero, sizeof(zero));
	assert_int_equal(table_len(r.table), 0);
	assert_int_equal(synth_ledger(r.synth)->queued, 0);
	run(64, 64);
	assert_int_equal(r.stats.received, 64);
	assert_int_equal(r.stats.policy_errors, 0);
	assert_true(r.stats.committed > 0);
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
	assert_int_equal(policy_warm_up(r.lp, &r.host, r.error), 0);
	assert_int_equal(lua_policy_stats(r.lp, &policy_stats), 0);
	assert_int_equal(policy_stats.nr, 1);
	assert_true(policy_stats.stat[0].value < 0);
	assert_true(policy_stats.stat[0].value > -1e9 * 60); /* of this clock, all the same */
}

static void test_warm_up_reports_errors(void **state)
{
	(void)state;
	assert_int_equal(load_text(POLICY("", "error('cold')")), 0);
	assert_int_equal(policy_warm_up(r.lp, &r.host, r.error), -1);
	assert_string_equal(r.error, "t.lua:4: enqueue(): cold");
	assert_int_equal(table_len(r.table), 0);
}

/* ---- the collector ---- */

static void test_collector_is_stopped(void **state)
{
	size_t before;

	(void)state;
	r.host.arena_bytes = 256 << 20;
	assert_int_equal(load_text(POLICY("local keep = {}", "for i = 0, n - 1 do keep[1] = { i } "
							     "scx.dispatch(tasks[i]) end")),
			 0);
	before = lua_policy_bytes(r.lp);
	run(STEADY, 64);
	assert_true(lua_policy_bytes(r.lp) - before > 32 * STEADY);
	for (int i = 0; i < 2000; i++)
		engine_idle(r.engine);
	assert_true(lua_policy_bytes(r.lp) < before + 300000);
}

/* A machine that is never idle: memory stays below the arena all the same. */
static void test_relief_without_idle(void **state)
{
	(void)state;
	r.host.arena_bytes = 8 << 20;
	assert_int_equal(load_text(POLICY("local keep = {}", "for i = 0, n - 1 do keep[1] = { i } "
							     "scx.dispatch(tasks[i]) end")),
			 0);
	run(10 * STEADY, 64);
	assert_int_equal(r.stats.policy_errors, 0);
	assert_true(lua_policy_bytes(r.lp) < 8 << 20);
}

/* A leak of small things becomes an error before memory is out, and stays one. */
static void test_leak_is_an_error(void **state)
{
	(void)state;
	r.host.arena_bytes = 8 << 20;
	assert_int_equal(load_text(POLICY("local kept", "for i = 0, n - 1 do kept = { kept } "
							"scx.dispatch(tasks[i]) end")),
			 0);
	run(STEADY, 8);
	assert_false(lua_policy_ran_out(r.lp));
	assert_contains(policy_error(), "t.lua:3: enqueue(): not enough memory: the policy has "
					"used up its arena (");
	assert_true(r.stats.policy_errors > 100);
	assert_true(r.stats.committed > STEADY / 2);
}

static void test_finalizer_that_raises(void **state)
{
	(void)state;
	assert_int_equal(
		load_text(
			"local ffi = require 'ffi' return { enqueue = function() for _ = 1, 2000 do "
			"ffi.gc(ffi.new('int[9]'), function() error('never mind') end) end end }"),
		0);
	run(8, 1);
	for (int i = 0; i < 2000; i++)
		engine_idle(r.engine);
	lua_policy_collect(r.lp);
	assert_int_equal(r.stats.policy_errors, 0);
}

/* ---- cold calls ---- */

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
	run(8, 8);
	assert_int_equal(lua_policy_stats(r.lp, &policy_stats), 0);
	assert_int_equal(policy_stats.nr, 2);
	assert_int_equal(policy_stats.refused, 1);	       /* the string */
	assert_string_equal(policy_stats.stat[0].key, "half"); /* sorted */
	assert_true(stat_of("tasks") == 8 && stat_of("half") == 0.5);
	assert_int_equal(load_text(
				 "return { enqueue = function() end, stats = function(t) t() end }"),
			 0);
	assert_int_equal(lua_policy_stats(r.lp, &policy_stats), -1);
	assert_contains(policy_error(), "t.lua:1: stats(): attempt to call");
	assert_int_equal(load_text("return { enqueue = function() end }"), 0);
	assert_int_equal(lua_policy_stats(r.lp, &policy_stats), 0);
	assert_int_equal(policy_stats.nr, 0);
	assert_int_equal(load_text("return { enqueue = function() end, stats = function(t)"
				   " for i = 1, 99 do t[('k'):rep(40) .. i] = i end end }"),
			 0);
	assert_int_equal(lua_policy_stats(r.lp, &policy_stats), 0);
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
	assert_int_equal(lua_policy_options(r.lp, count_rows, &nr), 0);
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
	run(2, 1);
	assert_int_equal(lua_policy_export(r.lp, &text, &len), 0);
	assert_int_equal(load_text(keeper), 0);
	assert_int_equal(lua_policy_import(r.lp, text, len), 0);
	assert_int_equal(lua_policy_stats(r.lp, &policy_stats), 0);
	assert_true(stat_of("tasks") == 2);
	assert_int_equal(lua_policy_import(r.lp, text, len - 1), -1);
	assert_contains(policy_error(), "t.lua:1: import(): damaged state at byte");
	free(text);
}

static void test_states_are_compared(void **state)
{
	char difference[POLICY_ERROR_LEN];

	(void)state;
	assert_int_equal(load_text("return { enqueue = function() end }"), 0);
	assert_int_equal(lua_policy_compare(r.lp, "{s1:an1;}", 9, "{s1:an1;}", 9, difference), 0);
	assert_int_equal(lua_policy_compare(r.lp, "{s1:an1;}", 9, "{s1:an2;}", 9, difference), 1);
	assert_string_equal(difference, "state.a was 1, is 2");
	assert_int_equal(lua_policy_compare(r.lp, "{s1:an1;", 8, "{}", 2, difference), -1);
	assert_contains(policy_error(), "damaged state");
}

static void test_hand_over_nothing(void **state)
{
	char *text = NULL;
	size_t len = 0;

	(void)state;
	load_file("policies/fifo.lua");
	assert_int_equal(lua_policy_export(r.lp, &text, &len), 0);
	assert_null(text);
	assert_int_equal(lua_policy_import(r.lp, NULL, 0), 0);
	assert_int_equal(lua_policy_import(r.lp, "{}", 2), 0);
	assert_int_equal(load_text("return { enqueue = function() end, import = function() end,"
				   " export = function() return { print = pcall } end }"),
			 0);
	assert_int_equal(lua_policy_export(r.lp, &text, &len), -1);
	assert_contains(policy_error(), "export(): state.print: expected plain data, got function");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_script_hash),
		TEST(test_script_too_large),
		TEST(test_facts),
		TEST(test_options_at_load),
		TEST(test_init_gets_host),
		TEST(test_limits_at_load),
		TEST(test_sandbox),
		TEST(test_no_library),
		TEST(test_error_is_one_line),
		TEST(test_goes_on_after_errors),
		TEST(test_dispatch_results),
		TEST(test_dispatch_returns_nothing),
		TEST(test_out_of_memory_at_run_time),
		TEST(test_log_is_limited),
		TEST(test_fifo_allocates_nothing),
		TEST(test_vtime_allocates_nothing),
		TEST(test_aborts_are_seen),
		TEST(test_aborts_can_be_ignored),
		TEST(test_interpreted_heap_is_exact),
		TEST(test_decisions_have_lines),
		TEST(test_warm_up_leaves_no_trace),
		TEST(test_warm_up_shows_no_future),
		TEST(test_warm_up_reports_errors),
		TEST(test_collector_is_stopped),
		TEST(test_relief_without_idle),
		TEST(test_leak_is_an_error),
		TEST(test_finalizer_that_raises),
		TEST(test_stats),
		TEST(test_option_rows),
		TEST(test_hand_over),
		TEST(test_states_are_compared),
		TEST(test_hand_over_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
