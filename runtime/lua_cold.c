// SPDX-License-Identifier: GPL-2.0-only
/*
 * lua_cold.c - what is asked of a policy between batches: options, statistics, the state handed
 * over at a reload, trace aborts.
 *
 * Each runs as one C function under lua_cpcall, so that running out of memory while arguments
 * are pushed is an error like any other. The callers' own callbacks must not raise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua_state.h"

struct cold_call {
	struct lua_policy *lp;
	enum lua_slot slot;
	const char *key, *value; /* set */
	void (*row)(const struct lua_option_row *row, void *arg);
	struct policy_stats *stats;
	void (*with_row)(const struct lua_abort_row *row, void *arg);
	void *arg;
	char *text;	   /* export and import */
	const char *other; /* what text is compared with */
	size_t other_len;
	char *difference;
	size_t len;
	uint32_t total;
};

static int run(struct cold_call *call, lua_CFunction fn)
{
	struct lua_policy *lp = call->lp;
	const char *text;
	int status;

	lp->policy.error[0] = '\0';
	lp->slot = call->slot;
	lp->calling = NULL;
	status = lua_cpcall(lp->L, fn, call);
	if (!status)
		return 0;
	text = lua_tostring(lp->L, -1);
	if (!lp->policy.error[0])
		snprintf(lp->policy.error, POLICY_ERROR_LEN, "%s", text ? text : "unknown error");
	lua_settop(lp->L, NR_SLOTS - 1);
	return -1;
}

/* Pushes a function of a module of the library. */
static void push_library(lua_State *L, const char *module, const char *function)
{
	lua_push_slot(L, SLOT_LIB);
	lua_getfield(L, -1, module);
	lua_getfield(L, -1, function);
	lua_replace(L, -3);
	lua_pop(L, 1);
}

static int cold_set(lua_State *L)
{
	struct cold_call *call = lua_touserdata(L, 1);

	push_library(L, "option", "set");
	lua_pushstring(L, call->key);
	lua_pushstring(L, call->value);
	lua_call(L, 2, 0);
	return 0;
}

int lua_policy_set(struct lua_policy *lp, const char *key, const char *value)
{
	struct cold_call call = { .lp = lp, .slot = SLOT_LIB, .key = key, .value = value };

	return run(&call, cold_set);
}

/* The nth string of the array on top; stays valid while the array does. */
static const char *string_at(lua_State *L, int n)
{
	const char *text;

	lua_rawgeti(L, -1, n);
	text = lua_tostring(L, -1);
	lua_pop(L, 1);
	return text;
}

static int cold_options(lua_State *L)
{
	struct cold_call *call = lua_touserdata(L, 1);
	struct lua_option_row row;

	push_library(L, "option", "list");
	lua_call(L, 0, 1);
	for (int i = 1; i <= (int)lua_objlen(L, 2); i++) {
		lua_rawgeti(L, 2, i);
		row.key = string_at(L, 1);
		row.value = string_at(L, 2);
		row.fallback = string_at(L, 3);
		row.help = string_at(L, 4);
		row.range = string_at(L, 5);
		call->row(&row, call->arg);
		lua_pop(L, 1);
	}
	return 0;
}

int lua_policy_options(struct lua_policy *lp,
		       void (*row)(const struct lua_option_row *row, void *arg), void *arg)
{
	struct cold_call call = { .lp = lp, .slot = SLOT_LIB, .row = row, .arg = arg };

	return run(&call, cold_options);
}

/* Keeps the rows sorted: lua_next() has no order that lasts. */
static void put_number(struct policy_stats *to, const char *key, double value)
{
	uint32_t i = to->nr;

	if (i == POLICY_STATS_MAX || strlen(key) >= POLICY_STAT_KEY_LEN) {
		to->refused++;
		if (i == POLICY_STATS_MAX)
			return;
	}
	for (; i > 0 && strcmp(to->stat[i - 1].key, key) > 0; i--)
		to->stat[i] = to->stat[i - 1];
	snprintf(to->stat[i].key, POLICY_STAT_KEY_LEN, "%s", key);
	to->stat[i].value = value;
	to->nr++;
}

static void put_numbers(lua_State *L, const struct cold_call *call)
{
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TNUMBER)
			put_number(call->stats, lua_tostring(L, -2), lua_tonumber(L, -1));
		else
			call->stats->refused++;
		lua_pop(L, 1);
	}
}

static int cold_stats(lua_State *L)
{
	struct cold_call *call = lua_touserdata(L, 1);

	lua_newtable(L);
	lua_push_slot(L, SLOT_STATS);
	if (lua_isnil(L, -1))
		return 0;
	lua_pushvalue(L, 2);
	lua_call_policy(L, call->lp, "stats", 1, 0);
	put_numbers(L, call);
	return 0;
}

int lua_policy_stats(struct lua_policy *lp, struct policy_stats *out)
{
	struct cold_call call = { .lp = lp, .slot = SLOT_STATS, .stats = out };

	out->nr = 0;
	out->refused = 0;
	return run(&call, cold_stats);
}

/* Raises "FILE:LINE: hook(): why", `why` being the string on top. */
static void raise_at_hook(lua_State *L, const struct cold_call *call)
{
	luaL_error(L, "%s: %s(): %s", call->lp->where[call->slot], lua_slots[call->slot].key,
		   lua_tostring(L, -1));
}

static int cold_export(lua_State *L)
{
	struct cold_call *call = lua_touserdata(L, 1);
	const char *text;

	lua_push_slot(L, SLOT_EXPORT);
	if (lua_isnil(L, -1))
		return 0;
	lua_call_policy(L, call->lp, "export", 0, 1);
	push_library(L, "state", "encode");
	lua_insert(L, -2);
	if (lua_pcall(L, 1, 1, 0))
		raise_at_hook(L, call);
	text = lua_tolstring(L, -1, &call->len);
	call->text = malloc(call->len + 1);
	if (!call->text)
		return luaL_error(L, "no memory for the state of the policy");
	memcpy(call->text, text, call->len + 1);
	return 0;
}

int lua_policy_export(struct lua_policy *lp, char **text, size_t *len)
{
	struct cold_call call = { .lp = lp, .slot = SLOT_EXPORT };

	if (run(&call, cold_export))
		return -1;
	*text = call.text;
	*len = call.len;
	return 0;
}

static int cold_import(lua_State *L)
{
	struct cold_call *call = lua_touserdata(L, 1);

	lua_push_slot(L, SLOT_IMPORT);
	if (lua_isnil(L, -1))
		return 0;
	push_library(L, "state", "decode");
	lua_pushlstring(L, call->text, call->len);
	if (lua_pcall(L, 1, 1, 0))
		raise_at_hook(L, call);
	lua_call_policy(L, call->lp, "import", 1, 0);
	return 0;
}

int lua_policy_import(struct lua_policy *lp, const char *text, size_t len)
{
	struct cold_call call = { .lp = lp, .slot = SLOT_IMPORT, .len = len };

	if (!text)
		return 0;
	call.text = (char *)(uintptr_t)text;
	return run(&call, cold_import);
}

static int cold_compare(lua_State *L)
{
	struct cold_call *call = lua_touserdata(L, 1);

	push_library(L, "state", "difference");
	lua_pushlstring(L, call->text, call->len);
	lua_pushlstring(L, call->other, call->other_len);
	lua_call(L, 2, 1);
	if (!lua_isnil(L, -1))
		snprintf(call->difference, POLICY_ERROR_LEN, "%s", lua_tostring(L, -1));
	return 0;
}

int lua_policy_compare(struct lua_policy *lp, const char *before, size_t before_len,
		       const char *after, size_t after_len, char *difference)
{
	struct cold_call call = { .lp = lp,
				  .slot = SLOT_LIB,
				  .text = (char *)(uintptr_t)before,
				  .len = before_len,
				  .other = after,
				  .other_len = after_len,
				  .difference = difference };

	difference[0] = '\0';
	if (run(&call, cold_compare))
		return -1;
	return difference[0] != '\0';
}

static int cold_watch(lua_State *L)
{
	lua_push_slot(L, SLOT_LIB);
	lua_trace_open(L);
	lua_setfield(L, -2, "trace");
	return 0;
}

int lua_policy_watch_traces(struct lua_policy *lp)
{
	struct cold_call call = { .lp = lp, .slot = SLOT_LIB };

	return run(&call, cold_watch);
}

static int cold_unwatch(lua_State *L)
{
	push_library(L, "trace", "stop");
	lua_call(L, 0, 0);
	return 0;
}

int lua_policy_unwatch_traces(struct lua_policy *lp)
{
	struct cold_call call = { .lp = lp, .slot = SLOT_LIB };

	return run(&call, cold_unwatch);
}

static int cold_aborts(lua_State *L)
{
	struct cold_call *call = lua_touserdata(L, 1);

	push_library(L, "trace", "aborts");
	lua_call(L, 0, 2);
	call->total = (uint32_t)lua_tointeger(L, 2);
	for (int i = 1; call->with_row && i <= (int)lua_objlen(L, 3); i++) {
		struct lua_abort_row row;

		lua_rawgeti(L, 3, i);
		lua_rawgeti(L, 4, 1);
		lua_rawgeti(L, 4, 2);
		lua_rawgeti(L, 4, 3);
		row.line = lua_tostring(L, 5);
		row.hook = lua_tostring(L, 6);
		row.times = (uint32_t)lua_tointeger(L, 7);
		call->with_row(&row, call->arg);
		lua_settop(L, 3);
	}
	return 0;
}

uint32_t lua_policy_trace_aborts(struct lua_policy *lp,
				 void (*with_row)(const struct lua_abort_row *row, void *arg),
				 void *arg)
{
	struct cold_call call = { .lp = lp, .slot = SLOT_LIB, .with_row = with_row, .arg = arg };

	return run(&call, cold_aborts) ? 0 : call.total;
}
