// SPDX-License-Identifier: GPL-2.0-only
/*
 * lua_message.c - a Lua error as one line: FILE:LINE: hook(): what; called from FILE:LINE.
 *
 * FILE is the policy's file, never the library's: an error raised in scx.lua is shown at the
 * policy's line that called it. Written straight into policy.error, so that reporting an
 * error of a full heap needs no heap.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lua_state.h"

enum {
	MAX_LEVELS = 64, /* of the stack that are looked at */
	MAX_CALLERS = 3, /* that are named */
};

/* Length of a "FILE:LINE: " at the start of text, 0 if there is none. */
static size_t position_len(const char *text, const char *file)
{
	size_t len = strlen(file);
	const char *p = text + len;

	if (strncmp(text, file, len) || *p++ != ':' || !isdigit((unsigned char)*p))
		return 0;
	while (isdigit((unsigned char)*p))
		p++;
	return p[0] == ':' && p[1] == ' ' ? (size_t)(p - text) + 2 : 0;
}

/* The same for a file of the library ("scx.lua:12: "), whatever its name. */
static size_t library_position_len(const char *text)
{
	char file[LUA_IDSIZE];
	size_t len = strcspn(text, ":");

	if (strncmp(text, "scx", 3) || len >= sizeof(file))
		return 0;
	memcpy(file, text, len);
	file[len] = '\0';
	return position_len(text, file);
}

/* Appends, and turns control characters (a newline in the error) into blanks. */
static void append(struct lua_policy *lp, const char *text)
{
	char *error = lp->policy.error;
	size_t len = strlen(error);

	for (; *text && len < POLICY_ERROR_LEN - 1; text++)
		error[len++] = iscntrl((unsigned char)*text) ? ' ' : *text;
	error[len] = '\0';
}

static void append_line(struct lua_policy *lp, int line)
{
	char number[16];

	snprintf(number, sizeof(number), ":%d", line);
	append(lp, lp->chunk);
	append(lp, number);
}

/* Line of the policy's file at `*level` of the stack or above it; 0 at the end. */
static int next_line(lua_State *L, const struct lua_policy *lp, int *level)
{
	lua_Debug ar;

	for (; *level < MAX_LEVELS && lua_getstack(L, *level, &ar); ++*level) {
		if (!lua_getinfo(L, "Sl", &ar) || ar.currentline <= 0)
			continue;
		if (!strcmp(ar.short_src, lp->chunk)) {
			++*level;
			return ar.currentline;
		}
	}
	return 0;
}

/* An error object that is no string: what its __tostring says, if it has one that works. */
static const char *describe_object(lua_State *L)
{
	static const char *const plain[] = {
		[LUA_TNIL] = "(the error object is nil)",
		[LUA_TBOOLEAN] = "(the error object is a boolean)",
		[LUA_TTABLE] = "(the error object is a table)",
		[LUA_TFUNCTION] = "(the error object is a function)",
		[LUA_TUSERDATA] = "(the error object is a userdata)",
		[LUA_TTHREAD] = "(the error object is a coroutine)",
	};
	int type = lua_type(L, 1);

	if (luaL_getmetafield(L, 1, "__tostring")) {
		lua_pushvalue(L, 1);
		if (!lua_pcall(L, 1, 1, 0) && lua_type(L, -1) == LUA_TSTRING)
			return lua_tostring(L, -1);
	}
	if (type < 0 || (size_t)type >= sizeof(plain) / sizeof(plain[0]) || !plain[type])
		return "(the error object is not a string)";
	return plain[type];
}

static const char *describe(lua_State *L)
{
	if (lua_isstring(L, 1))
		return lua_tostring(L, 1);
	return describe_object(L);
}

static void append_callers(lua_State *L, struct lua_policy *lp, int level)
{
	int line = next_line(L, lp, &level);

	for (int i = 0; i < MAX_CALLERS && line; i++, line = next_line(L, lp, &level)) {
		append(lp, i ? ", " : "; called from ");
		append_line(lp, line);
	}
}

/* "FILE:LINE: " where the error is: as the error says, else the innermost line, else the hook. */
static size_t append_position(struct lua_policy *lp, const char *text, int line)
{
	size_t skip = position_len(text, lp->chunk);
	char position[WHERE_LEN];

	if (skip && skip < sizeof(position)) {
		snprintf(position, sizeof(position), "%.*s", (int)skip, text);
		append(lp, position);
		/* coroutine.wrap() puts a position before one that is there already. */
		return skip + position_len(text + skip, lp->chunk);
	}
	if (line)
		append_line(lp, line);
	else
		append(lp, lp->where[lp->slot][0] ? lp->where[lp->slot] : lp->chunk);
	append(lp, ": ");
	return library_position_len(text);
}

static void append_hook(struct lua_policy *lp)
{
	if (!lp->calling)
		return;
	append(lp, lp->calling);
	append(lp, "(): ");
}

int lua_message_handler(lua_State *L)
{
	struct lua_policy *lp = lua_owner(L);
	int level = 1, line = next_line(L, lp, &level);
	const char *text = describe(L);
	size_t skip;

	lp->policy.error[0] = '\0';
	skip = append_position(lp, text, line);
	append_hook(lp);
	append(lp, text + skip);
	append_callers(L, lp, level);
	lua_settop(L, 1);
	return 1;
}

/* The handler does not run when memory is out, nor usefully when the stack is. */
int lua_message_line(lua_State *L)
{
	int level = 1;

	return next_line(L, lua_owner(L), &level);
}

void lua_message_status(struct lua_policy *lp, int status)
{
	if (status == LUA_ERRRUN)
		return;
	lp->policy.error[0] = '\0';
	append_position(lp, "", 0);
	append_hook(lp);
	if (status == LUA_ERRMEM)
		append(lp, "not enough memory: the policy has used up its arena");
	else
		append(lp, "stack overflow, or an error while an error was handled");
}

void lua_message_where(struct lua_policy *lp, enum lua_slot slot, lua_State *L)
{
	lua_Debug ar;

	if (!lua_isfunction(L, -1))
		return;
	lua_pushvalue(L, -1);
	if (!lua_getinfo(L, ">S", &ar) || ar.linedefined <= 0)
		snprintf(lp->where[slot], WHERE_LEN, "%s", lp->chunk);
	else
		snprintf(lp->where[slot], WHERE_LEN, "%s:%d", ar.short_src, ar.linedefined);
}
