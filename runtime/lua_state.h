/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lua_state.h - what policy_lua.c, lua_sandbox.c, lua_load.c and lua_message.c share. Nobody else
 * includes it: no other module sees lua.h.
 */
#ifndef SCXLUA_LUA_STATE_H
#define SCXLUA_LUA_STATE_H

#include <lauxlib.h>
#include <lua.h>

#include "arena.h"
#include "policy_lua.h"

/*
 * The main stack of a loaded state holds these for good, so that a call pushes what it needs
 * without a table lookup. Those with a key are fields of what scx/policy.lua's accept() returns.
 */
enum lua_slot {
	SLOT_SLOTS = 1, /* the table the others come from */
	SLOT_MESSAGE,	/* message handler */
	SLOT_COLLECT,	/* steps the collector */
	SLOT_TASKS,	/* array cdata: the batch */
	SLOT_LIB,	/* package table: { option =, state =, trace = } */
	SLOT_INIT,
	SLOT_ENQUEUE,
	SLOT_DISPATCH,
	SLOT_EXIT_TASK,
	SLOT_CPU_ONLINE,
	SLOT_CPU_OFFLINE,
	SLOT_TICK,
	SLOT_STATS,
	SLOT_EXPORT,
	SLOT_IMPORT,
	NR_SLOTS,
};

/* key: NULL if it is not a field. hook: what the watchdog calls it. */
struct slot_row {
	const char *key;
	enum engine_hook hook;
};
extern const struct slot_row lua_slots[NR_SLOTS];

enum { WHERE_LEN = LUA_IDSIZE + 12 };

struct lua_policy {
	struct policy policy; /* first: a struct policy * of ours is a struct lua_policy * */
	struct policy_ops ops;
	lua_State *L;
	struct arena *arena; /* NULL: LuaJIT without GC64 keeps its own memory */
	struct scx_outbox *outbox;
	struct scx_task **batch; /* memory of SLOT_TASKS, ENGINE_BATCH long */
	char warning[160];	 /* "" if none */
	char name[32];
	char chunk[LUA_IDSIZE];		 /* FILE in messages */
	char where[NR_SLOTS][WHERE_LEN]; /* FILE:LINE of each hook, "" if the policy has none */
	int builtin_idle;
	size_t arena_bytes;

	/* Message being made. */
	const char *calling; /* name of the hook that runs, NULL while loading */
	enum lua_slot slot;  /* the same, for its place */

	/* Limit on the CPU time of loading. */
	uint64_t load_ns;
	uint64_t deadline_ns;		/* of the thread's CPU clock */
	char expired[POLICY_ERROR_LEN]; /* the message, once it has */

	/* Collector. */
	size_t settled_bytes; /* heap when the last collection ended */
	size_t relief_bytes;  /* heap beyond which batches pay for collection */
	bool is_collecting;

	/* scx.log(): a bucket of lines that fills with time. */
	uint64_t log_refill_ns;
	uint32_t log_tokens;
	uint32_t log_dropped;
};

/* The policy that a state belongs to; works in any coroutine of it. */
struct lua_policy *lua_owner(lua_State *L);

/* lua_message.c: errors as one line. */
int lua_message_handler(lua_State *L); /* describes the error in policy.error; returns it */
int lua_message_line(lua_State *L);    /* innermost line of the policy's file, 0 if none */
void lua_message_status(struct lua_policy *lp, int status); /* after a pcall that failed */
void lua_message_where(struct lua_policy *lp, enum lua_slot slot, lua_State *L); /* fn on top */

/* lua_sandbox.c: opens the state; everything here may raise, so call it protected. */
struct sandbox_setup {
	struct lua_policy *lp;
	const struct lua_host *host;
	const struct script *script;
	const char *libdir;
};
void lua_sandbox_open(lua_State *L, const struct sandbox_setup *setup);
void lua_sandbox_require(lua_State *L, const char *module); /* pushes what it returns */
void lua_sandbox_host(lua_State *L);			    /* pushes the library's host table */

/* lua_trace.c: gives the library what it needs to record trace aborts. May raise. */
void lua_trace_open(lua_State *L);

/* lua_load.c: from an empty state to filled slots; 0 or -1 and policy.error. */
int lua_load_policy(struct lua_policy *lp, const struct lua_host *host,
		    const struct script *script);
void lua_push_slot(lua_State *L, enum lua_slot slot); /* from within a C function */
void lua_call_policy(lua_State *L, struct lua_policy *lp, const char *calling, int nargs,
		     int nresults); /* as lua_call(); an error is described, then raised on */

#endif
