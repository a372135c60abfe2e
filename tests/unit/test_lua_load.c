// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_lua_load.c - from a script to a policy whose hooks can be called: its text, its options,
 * what the host tells it, the limits on it and the world it finds itself in.
 */
#include "policy_rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- scripts ---- */

static void test_script_hash(void **state)
{
	struct script *a, *b;

	(void)state;
	assert_int_equal(script_read(&a, "policies/fifo.lua", rig.error), 0);
	assert_int_equal(script_read(&b, "policies/fifo.lua", rig.error), 0);
	assert_true(a->hash == b->hash && a->hash != 0);
	assert_int_equal(a->len, strlen(a->text));
	script_free(b);
	assert_int_equal(script_read(&b, "policies/vtime.lua", rig.error), 0);
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
	assert_int_equal(script_read(&s, path, rig.error), -1);
	assert_contains(rig.error, "1048577 bytes, a policy has at most 1048576");
	close(fd);
	unlink(path);
}

/* ---- loading ---- */

static void test_facts(void **state)
{
	(void)state;
	load_file("policies/vtime.lua");
	assert_string_equal(lua_policy_name(rig.lp), "vtime");
	assert_int_equal(lua_policy_builtin_idle(rig.lp), -1);
	assert_contains(lua_policy_where(rig.lp, HOOK_ENQUEUE), "policies/vtime.lua:");
	assert_contains(lua_policy_where(rig.lp, HOOK_DISPATCH), "policies/vtime.lua:");
	assert_string_equal(lua_policy_where(rig.lp, HOOK_TICK), "");
	assert_contains(lua_policy_where_key(rig.lp, "export"), "policies/vtime.lua:");
	assert_string_equal(lua_policy_where_key(rig.lp, "enqueue"),
			    lua_policy_where(rig.lp, HOOK_ENQUEUE));
	assert_string_equal(lua_policy_where_key(rig.lp, "cpu_offline"), "");
	assert_string_equal(lua_policy_where_key(rig.lp, "no such key"), "");
	assert_string_equal(lua_policy_where(rig.lp, HOOK_IDLE), "");
	assert_null(lua_policy_warning(rig.lp));
	assert_null(lua_policy_ops(rig.lp)->ops->exit_task);
	assert_true(lua_policy_peak(rig.lp) > 0);
}

static void test_options_at_load(void **state)
{
	const struct lua_option options[] = { { "slice_us", "3000" }, { "builtin_idle", "off" } };

	(void)state;
	rig.host.options = options;
	rig.host.nr_options = 2;
	load_file("policies/fifo.lua");
	assert_int_equal(lua_policy_builtin_idle(rig.lp), 0);
	engine_set_policy(rig.engine, lua_policy_ops(rig.lp));
	run_tasks(8, 8);
	assert_int_equal(synth_slice(rig.synth, 0), 3000000);
	assert_int_equal(lua_policy_set(rig.lp, "slice_us", "700"), 0);
	run_tasks(NR_THREADS, NR_THREADS);
	assert_int_equal(synth_slice(rig.synth, 0), 700000);
	assert_int_equal(lua_policy_set(rig.lp, "slice_us", "7"), -1);
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
	rig.host.load_ns = 20 * MS;
	refuses("\nwhile true do end", "t.lua:2: still running after 20 ms");
	refuses("while true do pcall(function() while true do end end) end", "still running after");
	refuses("local c = coroutine.wrap(function() while true do end end) pcall(c) "
		"return { enqueue = function() end }",
		"still running after");
	refuses("local t = {} for i = 1, 1e9 do t[i] = {} end", "still running after");
	rig.host.load_ns = 5000ull * MS;
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
	rig.host.libdir = "/nonexistent";
	refuses("return {}", "cannot read /nonexistent/scx/strict.lua: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_script_hash),    WITH_RIG(test_script_too_large),
		WITH_RIG(test_facts),	       WITH_RIG(test_options_at_load),
		WITH_RIG(test_init_gets_host), WITH_RIG(test_limits_at_load),
		WITH_RIG(test_sandbox),	       WITH_RIG(test_no_library),
	};

	return cmocka_run_group_tests_name("lua_load", tests, NULL, NULL);
}
