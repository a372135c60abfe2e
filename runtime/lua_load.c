// SPDX-License-Identifier: GPL-2.0-only
/*
 * lua_load.c - from an empty Lua state to one whose hooks can be called: library, script, check
 * of its table, options, init(). With the compiler off and a limit on CPU time, both lifted at
 * the end.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <luajit.h>

#include "lua_state.h"

enum { HOOK_INSTRUCTIONS = 1000 /* between two looks at the clock */ };

const struct slot_row lua_slots[NR_SLOTS] = {
	[SLOT_TASKS] = { "tasks", HOOK_NONE },
	[SLOT_INIT] = { "init", HOOK_INIT },
	[SLOT_ENQUEUE] = { "enqueue", HOOK_ENQUEUE },
	[SLOT_DISPATCH] = { "dispatch", HOOK_DISPATCH },
	[SLOT_EXIT_TASK] = { "exit_task", HOOK_EXIT_TASK },
	[SLOT_CPU_ONLINE] = { "cpu_online", HOOK_CPU },
	[SLOT_CPU_OFFLINE] = { "cpu_offline", HOOK_CPU },
	[SLOT_TICK] = { "tick", HOOK_TICK },
	[SLOT_STATS] = { "stats", HOOK_STATS },
	[SLOT_EXPORT] = { "export", HOOK_EXPORT },
	[SLOT_IMPORT] = { "import", HOOK_IMPORT },
};

/*
 * What the compiler may use. One area of machine code as large as the limit, so that it is mapped
 * once, during warm-up, and never after attach.
 */
static const char *const jit_options[] = {
	"hotloop=40",  "hotexit=8",    "maxtrace=4000",	 "maxrecord=8000",
	"maxside=200", "maxsnap=1000", "sizemcode=1024", "maxmcode=1024",
};

/* Key of the registry for the table of slots. */
static const char slots_key;

/* ---- the limit ---- */

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/*
 * Every HOOK_INSTRUCTIONS bytecodes while loading. Past the limit every single instruction
 * raises, so that a script cannot go on by catching the error in pcall or a coroutine.
 */
static void on_count(lua_State *L, lua_Debug *ar)
{
	struct lua_policy *lp = lua_owner(L);

	if (!lp->expired[0] && thread_cpu_ns() < lp->deadline_ns)
		return;
	if (!lp->expired[0]) {
		lua_getinfo(L, "Sl", ar);
		snprintf(lp->expired, sizeof(lp->expired), "%s:%d: still running after %llu ms",
			 ar->short_src, ar->currentline,
			 (unsigned long long)(lp->load_ns / 1000000u));
		lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
	}
	lua_pushstring(L, lp->expired);
	lua_error(L);
}

static void limit_start(lua_State *L, struct lua_policy *lp)
{
	lp->deadline_ns = thread_cpu_ns() + lp->load_ns;
	lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
}

/* A script that swallowed the error and ended all the same is not let through. */
static int limit_stop(lua_State *L, struct lua_policy *lp)
{
	lua_sethook(L, NULL, 0, 0);
	if (!lp->expired[0])
		return 0;
	return luaL_error(L, "%s", lp->expired);
}

/* ---- stages; each raises on failure, policy.error says why or is empty ---- */

void lua_call_policy(lua_State *L, struct lua_policy *lp, const char *calling, int nargs,
		     int nresults)
{
	int handler = lua_gettop(L) - nargs, status;

	lp->calling = calling;
	lua_pushcfunction(L, lua_message_handler);
	lua_insert(L, handler);
	status = lua_pcall(L, nargs, nresults, handler);
	lp->calling = NULL;
	lua_remove(L, handler);
	if (!status)
		return;
	lua_message_status(lp, status);
	lua_error(L);
}

/* Pushes what the script returns. */
static void run_script(lua_State *L, struct lua_policy *lp, const struct script *script)
{
	char name[LUA_IDSIZE + 1];

	snprintf(name, sizeof(name), "@%s", lp->chunk);
	if (luaL_loadbufferx(L, script->text, script->len, name, "t"))
		lua_error(L);
	lp->slot = SLOT_SLOTS;
	lua_call_policy(L, lp, NULL, 0, 1);
}

/* Replaces the policy's table on top of the stack by the table of hooks. */
static void accept_table(lua_State *L)
{
	lua_sandbox_require(L, "scx.policy");
	lua_getfield(L, -1, "accept");
	lua_remove(L, -2);
	lua_insert(L, -2);
	lua_call(L, 1, 1);
}

static void call_init(lua_State *L, struct lua_policy *lp)
{
	lp->slot = SLOT_INIT;
	lua_getfield(L, -1, "init");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	lua_getfield(L, -2, "host");
	lua_call_policy(L, lp, "init", 1, 0);
}

/* slots[i] of the table at -2 from the table of hooks on top: hooks.call[key] or hooks[key]. */
static void fill_slots(lua_State *L, struct lua_policy *lp)
{
	int hooks = lua_gettop(L);

	for (int i = 0; i < NR_SLOTS; i++) {
		if (!lua_slots[i].key)
			continue;
		lua_getfield(L, hooks, lua_slots[i].key);
		lua_message_where(lp, (enum lua_slot)i, L);
		lua_getfield(L, hooks, "call");
		lua_getfield(L, -1, lua_slots[i].key);
		lua_pushvalue(L, lua_isnil(L, -1) ? -3 : -1);
		lua_rawseti(L, hooks - 1, i);
		lua_settop(L, hooks);
	}
}

static void keep_facts(lua_State *L, struct lua_policy *lp)
{
	lua_getfield(L, -1, "name");
	snprintf(lp->name, sizeof(lp->name), "%s", lua_tostring(L, -1));
	lua_getfield(L, -2, "builtin_idle");
	lp->builtin_idle = lua_isnil(L, -1) ? -1 : lua_toboolean(L, -1);
	lua_getfield(L, -3, "tick_ms");
	lp->ops.tick_ns = (uint64_t)(lua_tonumber(L, -1) * 1e6);
	lua_pop(L, 3);
}

/* Steps the collector: argument, how many; returns whether a collection ended. */
static int collect(lua_State *L)
{
	int nr = (int)lua_tointeger(L, 1), ended = 0;

	while (nr-- > 0 && !ended)
		ended = lua_gc(L, LUA_GCSTEP, 0);
	lua_gc(L, LUA_GCSTOP, 0); /* a step starts the collector again */
	lua_pushboolean(L, ended);
	return 1;
}

static void keep_library(lua_State *L, int slots)
{
	lua_createtable(L, 0, 4);
	lua_sandbox_require(L, "scx.option");
	lua_setfield(L, -2, "option");
	lua_sandbox_require(L, "scx.state");
	lua_setfield(L, -2, "state");
	lua_rawseti(L, slots, SLOT_LIB);
	lua_pushcfunction(L, lua_message_handler);
	lua_rawseti(L, slots, SLOT_MESSAGE);
	lua_pushcfunction(L, collect);
	lua_rawseti(L, slots, SLOT_COLLECT);
}

static void compiler_on(lua_State *L)
{
	const int nr = sizeof(jit_options) / sizeof(jit_options[0]);

	lua_sandbox_host(L);
	lua_getfield(L, -1, "jit");
	lua_getfield(L, -1, "start");
	for (int i = 0; i < nr; i++)
		lua_pushstring(L, jit_options[i]);
	lua_call(L, nr, 0);
	lua_pop(L, 2);
	luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_ON);
}

void lua_push_slot(lua_State *L, enum lua_slot slot)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)&slots_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	lua_rawgeti(L, -1, slot);
	lua_remove(L, -2);
}

static int load_all(lua_State *L)
{
	const struct sandbox_setup *setup = lua_touserdata(L, 1);
	struct lua_policy *lp = setup->lp;

	lua_settop(L, 0);
	lua_sandbox_open(L, setup);
	lua_createtable(L, NR_SLOTS, 0);
	limit_start(L, lp);
	run_script(L, lp, setup->script);
	accept_table(L);
	fill_slots(L, lp);
	keep_facts(L, lp);
	call_init(L, lp);
	limit_stop(L, lp);
	keep_library(L, 1);
	lua_settop(L, 1);
	lua_pushlightuserdata(L, (void *)(uintptr_t)&slots_key);
	lua_insert(L, 1);
	lua_rawset(L, LUA_REGISTRYINDEX);
	compiler_on(L);
	return 0;
}

/* Puts the slots on the main stack, where they stay; needs no memory. */
static void spread_slots(lua_State *L, struct lua_policy *lp)
{
	lua_settop(L, 0);
	lua_pushlightuserdata(L, (void *)(uintptr_t)&slots_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	for (int i = SLOT_SLOTS + 1; i < NR_SLOTS; i++)
		lua_rawgeti(L, SLOT_SLOTS, i);
	lp->batch = (struct scx_task **)(uintptr_t)lua_topointer(L, SLOT_TASKS);
}

int lua_load_policy(struct lua_policy *lp, const struct lua_host *host, const struct script *script)
{
	struct sandbox_setup setup = {
		.lp = lp,
		.host = host,
		.script = script,
		.libdir = host->libdir ? host->libdir : lua_policy_libdir(),
	};
	lua_State *L = lp->L;
	int status = lua_cpcall(L, load_all, &setup);

	lua_sethook(L, NULL, 0, 0);
	if (status) {
		const char *text = lua_tostring(L, -1);

		if (!lp->policy.error[0])
			snprintf(lp->policy.error, POLICY_ERROR_LEN, "%s%s",
				 status == LUA_ERRMEM ? "the policy cannot be loaded: " : "",
				 text ? text : "unknown error");
		return -1;
	}
	spread_slots(L, lp);
	return 0;
}
