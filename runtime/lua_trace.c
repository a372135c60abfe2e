// SPDX-License-Identifier: GPL-2.0-only
/*
 * lua_trace.c - the words LuaJIT has for why it gave up compiling.
 *
 * They differ between versions and are in jit/vmdef.lua, which belongs to the installed LuaJIT
 * and not to us. A second, ordinary state reads it; without it the reasons are numbers.
 */
#include <stdint.h>

#include <lualib.h>

#include "lua_state.h"

/* Copies the strings of the array on top of `from` into a new table on `to`. */
static void copy_strings(lua_State *to, lua_State *from)
{
	lua_newtable(to);
	lua_pushnil(from);
	while (lua_next(from, -2)) {
		if (lua_type(from, -1) == LUA_TSTRING && lua_type(from, -2) == LUA_TNUMBER) {
			lua_pushstring(to, lua_tostring(from, -1));
			lua_rawseti(to, -2, (int)lua_tointeger(from, -2));
		}
		lua_pop(from, 1);
	}
}

/* Adds traceerr and bcnames to the table on top of L. */
static void copy_vmdef(lua_State *L, lua_State *other)
{
	luaL_openlibs(other);
	if (luaL_dostring(other, "return require('jit.vmdef')"))
		return;
	lua_getfield(other, -1, "bcnames");
	lua_pushstring(L, lua_tostring(other, -1));
	lua_setfield(L, -2, "bcnames");
	lua_pop(other, 1);
	lua_getfield(other, -1, "traceerr");
	copy_strings(L, other);
	lua_setfield(L, -2, "traceerr");
}

/* host.jit.hook(): which hook of the policy is running. */
static int running_hook(lua_State *L)
{
	lua_pushstring(L, lua_owner(L)->calling);
	return 1;
}

void lua_trace_open(lua_State *L)
{
	lua_State *other = luaL_newstate();

	lua_sandbox_host(L);
	lua_getfield(L, -1, "jit");
	lua_pushcfunction(L, running_hook);
	lua_setfield(L, -2, "hook");
	if (other) {
		copy_vmdef(L, other);
		lua_close(other);
	}
	lua_pop(L, 2);
	lua_sandbox_require(L, "scx.trace");
}
