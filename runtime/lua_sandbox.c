// SPDX-License-Identifier: GPL-2.0-only
/*
 * lua_sandbox.c - the Lua world a policy lives in: which libraries it has, what require() finds,
 * what the library of lua/ is told about its host.
 *
 * Not opened at all: io, os, debug, package. jit is opened, because LuaJIT's compiler starts
 * with it, and its few useful functions are given to the library alone. What ffi.C reaches is not
 * limited here: that is the business of the worker's own sandbox.
 */
#include <ctype.h>
#include <poll.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <luajit.h>
#include <lualib.h>

#include "lua_state.h"

/* bpf/abi.h between its cdef marks, made by the build: the only text ffi.cdef gets from C. */
static const char abi_cdef[] =
#include "abi_cdef.inc"
	;

enum {
	LOG_BURST = 10, /* lines, and lines per second */
	MAX_MODULE_LEN = 64,
};

/* Keys of the registry: their addresses are unique. */
static const char owner_key, loaded_key, host_key, libdir_key;

static void registry_get(lua_State *L, const char *key)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)key);
	lua_rawget(L, LUA_REGISTRYINDEX);
}

/* Takes the value off the stack. */
static void registry_set(lua_State *L, const char *key)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)key);
	lua_insert(L, -2);
	lua_rawset(L, LUA_REGISTRYINDEX);
}

struct lua_policy *lua_owner(lua_State *L)
{
	struct lua_policy *lp;

	registry_get(L, &owner_key);
	lp = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return lp;
}

void lua_sandbox_host(lua_State *L)
{
	registry_get(L, &host_key);
}

/* ---- require() ---- */

/* "scx" or "scx.word": nothing that could leave the directory. */
static bool is_library_name(const char *name)
{
	if (strlen(name) > MAX_MODULE_LEN || strncmp(name, "scx", 3))
		return false;
	name += 3;
	if (!*name)
		return true;
	if (*name++ != '.' || !*name)
		return false;
	while (islower((unsigned char)*name))
		name++;
	return !*name;
}

/* Pushes the chunk of a library file, named as it is below the directory. */
static void load_library_file(lua_State *L, const char *name)
{
	char error[POLICY_ERROR_LEN], path[512], chunk[MAX_MODULE_LEN + 8];
	struct script *script;
	int status;

	registry_get(L, &libdir_key);
	snprintf(chunk, sizeof(chunk), "@%s%s.lua", strlen(name) > 3 ? "scx/" : "",
		 strlen(name) > 3 ? name + 4 : name);
	snprintf(path, sizeof(path), "%s/%s", lua_tostring(L, -1), chunk + 1);
	lua_pop(L, 1);
	if (script_read(&script, path, error))
		luaL_error(L, "%s (the library of policies; set SCXLUA_LIBDIR)", error);
	status = luaL_loadbufferx(L, script->text, script->len, chunk, "t");
	script_free(script);
	if (status)
		lua_error(L);
}

static int sandbox_require(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	lua_settop(L, 1);
	registry_get(L, &loaded_key);
	lua_getfield(L, 2, name);
	if (!lua_isnil(L, -1))
		return 1;
	if (!is_library_name(name))
		return luaL_error(L,
				  "require(\"%s\"): a policy can load scx, ffi, bit, math, "
				  "string, table and coroutine, nothing else",
				  name);
	load_library_file(L, name);
	lua_pushvalue(L, 1);
	lua_sandbox_host(L);
	lua_call(L, 2, 1);
	lua_pushvalue(L, -1);
	lua_setfield(L, 2, name);
	return 1;
}

void lua_sandbox_require(lua_State *L, const char *module)
{
	lua_pushcfunction(L, sandbox_require);
	lua_pushstring(L, module);
	lua_call(L, 1, 1);
}

/* ---- scx.log() ---- */

static void refill(struct lua_policy *lp)
{
	struct timespec ts;
	uint64_t now_ns, tokens;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	tokens = (now_ns - lp->log_refill_ns) * LOG_BURST / 1000000000u;
	if (!tokens)
		return;
	lp->log_refill_ns = now_ns;
	tokens += lp->log_tokens;
	lp->log_tokens = tokens < LOG_BURST ? (uint32_t)tokens : LOG_BURST;
}

static void write_line(struct lua_policy *lp, const char *text)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	char line[256];
	int len = snprintf(line, sizeof(line) - 1, "%s: ", lp->name);

	if (lp->log_dropped)
		len += snprintf(line + len, sizeof(line) - 1 - (size_t)len, "(%u lines dropped) ",
				lp->log_dropped);
	lp->log_dropped = 0;
	for (; *text && (size_t)len < sizeof(line) - 1; text++)
		line[len++] = iscntrl((unsigned char)*text) ? ' ' : *text;
	line[len++] = '\n';
	/* Stderr closed or full must not disturb the scheduler. */
	if (poll(&fd, 1, 0) != 1 || write(STDERR_FILENO, line, (size_t)len) < 0)
		lp->log_dropped++;
}

static int host_log(lua_State *L)
{
	struct lua_policy *lp = lua_owner(L);
	const char *text = luaL_checkstring(L, 1);

	refill(lp);
	if (!lp->log_tokens) {
		lp->log_dropped++;
		return 0;
	}
	lp->log_tokens--;
	write_line(lp, text);
	return 0;
}

/* Line of the policy's file that called the library. */
static int host_line(lua_State *L)
{
	lua_pushinteger(L, lua_message_line(L));
	return 1;
}

/* ---- the state ---- */

static void open_library(lua_State *L, const char *name, lua_CFunction open, int nresults)
{
	lua_pushcfunction(L, open);
	lua_pushstring(L, name);
	lua_call(L, 1, nresults);
}

/* Opens what a policy has, and fills the table that require() looks in first. */
static void open_libraries(lua_State *L)
{
	static const char *const names[] = { "bit", "math", "string", "table", "coroutine" };

	open_library(L, "", luaopen_base, 0);
	open_library(L, LUA_BITLIBNAME, luaopen_bit, 0);
	open_library(L, LUA_MATHLIBNAME, luaopen_math, 0);
	open_library(L, LUA_STRLIBNAME, luaopen_string, 0);
	open_library(L, LUA_TABLIBNAME, luaopen_table, 0);
	open_library(L, LUA_JITLIBNAME, luaopen_jit, 0);
	luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
	lua_newtable(L);
	open_library(L, LUA_FFILIBNAME, luaopen_ffi, 1);
	lua_setfield(L, -2, LUA_FFILIBNAME);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		lua_getglobal(L, names[i]);
		lua_setfield(L, -2, names[i]);
	}
	registry_set(L, &loaded_key);
}

/* Pushes the jit.util module: LuaJIT opens it when it is first required. */
static void open_jit_util(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, "_PRELOAD");
	lua_getfield(L, -1, "jit.util");
	lua_remove(L, -2);
	lua_pushliteral(L, "jit.util");
	lua_call(L, 1, 1);
}

/* Moves field `key` of the table on top into the table at `to`. */
static void keep_field(lua_State *L, int to, const char *key)
{
	lua_getfield(L, -1, key);
	lua_setfield(L, to, key);
}

/* host.jit = { attach =, off =, funcinfo =, start = }; the table to add to is on top of the stack. */
static void keep_jit(lua_State *L)
{
	int to;

	lua_newtable(L);
	to = lua_gettop(L);
	lua_getglobal(L, LUA_JITLIBNAME);
	keep_field(L, to, "attach");
	keep_field(L, to, "off");
	lua_getfield(L, -1, "opt");
	keep_field(L, to, "start");
	open_jit_util(L);
	keep_field(L, to, "funcinfo");
	lua_settop(L, to);
	lua_setfield(L, -2, "jit");
}

/* host.settings = { { key, value }, ... } */
static void keep_settings(lua_State *L, const struct lua_host *host)
{
	lua_createtable(L, (int)host->nr_options, 0);
	for (size_t i = 0; i < host->nr_options; i++) {
		lua_createtable(L, 2, 0);
		lua_pushstring(L, host->options[i].key);
		lua_rawseti(L, -2, 1);
		lua_pushstring(L, host->options[i].value);
		lua_rawseti(L, -2, 2);
		lua_rawseti(L, -2, (int)i + 1);
	}
	lua_setfield(L, -2, "settings");
}

static void keep_number(lua_State *L, const char *key, double value)
{
	lua_pushnumber(L, value);
	lua_setfield(L, -2, key);
}

static void keep_string(lua_State *L, const char *key, const char *value, size_t len)
{
	lua_pushlstring(L, value, len);
	lua_setfield(L, -2, key);
}

static void keep_pointer(lua_State *L, const char *key, const void *value)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)value);
	lua_setfield(L, -2, key);
}

static void keep_host(lua_State *L, const struct sandbox_setup *setup)
{
	const struct lua_host *host = setup->host;
	const struct lua_policy *lp = setup->lp;

	lua_newtable(L);
	keep_pointer(L, "outbox", lp->outbox);
	keep_pointer(L, "cpus", host->cpus);
	keep_number(L, "nr_cpus", host->nr_cpus);
	keep_number(L, "max_tasks", host->max_tasks);
	keep_number(L, "batch", ENGINE_BATCH);
	keep_string(L, "name", lp->name, strlen(lp->name));
	keep_string(L, "chunk", lp->chunk, strlen(lp->chunk));
	keep_string(L, "text", setup->script->text, setup->script->len);
	keep_settings(L, host);
	keep_jit(L);
	lua_pushcfunction(L, host_log);
	lua_setfield(L, -2, "log");
	if (host->mark_lines) {
		lua_pushcfunction(L, host_line);
		lua_setfield(L, -2, "line");
	}
	lua_pushvalue(L, LUA_GLOBALSINDEX);
	lua_setfield(L, -2, "globals");
	registry_set(L, &host_key);
}

static void declare_abi(lua_State *L)
{
	registry_get(L, &loaded_key);
	lua_getfield(L, -1, LUA_FFILIBNAME);
	lua_getfield(L, -1, "cdef");
	lua_pushlstring(L, abi_cdef, sizeof(abi_cdef) - 1);
	lua_call(L, 1, 0);
	lua_pop(L, 2);
}

void lua_sandbox_open(lua_State *L, const struct sandbox_setup *setup)
{
	lua_pushlightuserdata(L, setup->lp);
	registry_set(L, &owner_key);
	lua_pushstring(L, setup->libdir);
	registry_set(L, &libdir_key);
	open_libraries(L);
	keep_host(L, setup);
	lua_pushcfunction(L, sandbox_require);
	lua_setglobal(L, "require");
	declare_abi(L);
	lua_sandbox_require(L, "scx.strict");
	lua_pop(L, 1);
}
