// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_lua.c - a loaded Lua policy as a struct policy: the calls of every batch, and the cold
 * ones beside them.
 *
 * A hot call pushes a function from its slot, the batch array and numbers: nothing that
 * allocates. The batch is copied into one array cdata that Lua got at load, because a pointer
 * handed in from C would have to be boxed anew each time.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <luajit.h>

#include "lua_state.h"

enum {
	MIN_ARENA_BYTES = 4 << 20,
	IDLE_BUDGET_NS = 100 * 1000,   /* of collection in idle(), policy.h's promise */
	RELIEF_BUDGET_NS = 200 * 1000, /* of collection within a batch, when memory runs short */
	EMERGENCY_BUDGET_NS = 10 * 1000 * 1000, /* when it has all but run out */
	COLLECT_BUDGET_NS = 1000 * 1000 * 1000, /* of a full collection, before attach */
	STEPS_PER_LOOK = 4,	     /* collector steps of about 1 KiB between looks at the clock */
	MIN_GROWTH_BYTES = 32 << 10, /* that makes a collection worth starting */
};

#ifndef SCXLUA_INSTALLED_LIBDIR
#define SCXLUA_INSTALLED_LIBDIR "/usr/share/scxlua/lua"
#endif

/* ---- calls ---- */

static struct lua_policy *to_lua(struct policy *p)
{
	return (struct lua_policy *)(void *)p;
}

/* Pushes the function of a slot; false if the policy has none. */
static bool push_hook(struct lua_policy *lp, enum lua_slot slot)
{
	lua_pushvalue(lp->L, slot);
	if (!lua_isnil(lp->L, -1))
		return true;
	lua_pop(lp->L, 1);
	return false;
}

/* Calls the hook below its arguments; 0 with the results on the stack, or -1 and policy.error. */
static int call_hook(struct lua_policy *lp, enum lua_slot slot, const char *name, int nargs,
		     int nresults)
{
	int status;

	lp->slot = slot;
	lp->calling = name;
	status = lua_pcall(lp->L, nargs, nresults, SLOT_MESSAGE);
	if (!status)
		return 0;
	lua_message_status(lp, status);
	lua_settop(lp->L, NR_SLOTS - 1);
	return -1;
}

/* ---- memory ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

size_t lua_policy_bytes(const struct lua_policy *lp)
{
	return ((size_t)lua_gc(lp->L, LUA_GCCOUNT, 0) << 10) +
	       (size_t)lua_gc(lp->L, LUA_GCCOUNTB, 0);
}

/* A few steps, protected because finalizers may raise; returns whether a collection ended. */
static bool collect_step(struct lua_policy *lp)
{
	bool ended;

	lua_pushvalue(lp->L, SLOT_COLLECT);
	lua_pushinteger(lp->L, STEPS_PER_LOOK);
	lp->slot = SLOT_COLLECT;
	lp->calling = "finalizer";
	if (lua_pcall(lp->L, 1, 1, SLOT_MESSAGE)) {
		lua_pop(lp->L, 1);
		lua_gc(lp->L, LUA_GCSTOP, 0);
		return false;
	}
	ended = lua_toboolean(lp->L, -1);
	lua_pop(lp->L, 1);
	return ended;
}

/* Goes on with the collection under way, or starts one, for at most budget_ns. */
static void collect_for(struct lua_policy *lp, uint64_t budget_ns)
{
	uint64_t until = now_ns() + budget_ns;

	lp->is_collecting = true;
	while (lp->is_collecting && now_ns() < until)
		lp->is_collecting = !collect_step(lp);
	if (!lp->is_collecting)
		lp->settled_bytes = lua_policy_bytes(lp);
}

/* Is there a collection to go on with, or garbage enough to start one? */
static bool has_grown(const struct lua_policy *lp)
{
	return lp->is_collecting || lua_policy_bytes(lp) > lp->settled_bytes + MIN_GROWTH_BYTES;
}

static void op_idle(struct policy *p)
{
	struct lua_policy *lp = to_lua(p);

	if (has_grown(lp))
		collect_for(lp, IDLE_BUDGET_NS);
}

/*
 * The arena is almost full, and a last collection does not help: an error now, in time, because
 * LuaJIT of 2022 may crash when compiled code runs out of memory.
 */
static int run_short(struct lua_policy *lp, enum lua_slot slot)
{
	size_t limit = lp->arena_bytes / 8 * 7;

	if (!lp->arena || arena_used(lp->arena) < limit)
		return 0;
	if (has_grown(lp))
		collect_for(lp, EMERGENCY_BUDGET_NS);
	if (arena_used(lp->arena) < limit)
		return 0;
	snprintf(lp->policy.error, POLICY_ERROR_LEN,
		 "%s: %s(): not enough memory: the policy has used up its arena (%zu of %zu MiB)",
		 lp->where[slot], lua_slots[slot].key, arena_used(lp->arena) >> 20,
		 lp->arena_bytes >> 20);
	return -1;
}

/*
 * Before a batch: a machine that is never idle must not run the policy out of memory. Returns
 * 0, or -1 and policy.error: the hook is not to be called.
 */
static int relieve(struct lua_policy *lp, enum lua_slot slot)
{
	if (lua_policy_bytes(lp) < lp->relief_bytes)
		return 0;
	if (has_grown(lp))
		collect_for(lp, RELIEF_BUDGET_NS);
	return run_short(lp, slot);
}

void lua_policy_collect(struct lua_policy *lp)
{
	/* Twice: the second ends what the first found begun. Bounded: finalizers may go on for ever. */
	collect_for(lp, COLLECT_BUDGET_NS);
	collect_for(lp, COLLECT_BUDGET_NS);
}

void lua_policy_interpret(struct lua_policy *lp)
{
	luaJIT_setmode(lp->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
}

size_t lua_policy_peak(const struct lua_policy *lp)
{
	return lp->arena ? arena_peak(lp->arena) : 0;
}

bool lua_policy_ran_out(const struct lua_policy *lp)
{
	return lp->arena && arena_failed(lp->arena) > 0;
}

/* ---- hooks of every batch ---- */

static int op_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	struct lua_policy *lp = to_lua(p);

	if (relieve(lp, SLOT_ENQUEUE))
		return -1;
	while (n > 0) {
		uint32_t part = n < ENGINE_BATCH ? n : ENGINE_BATCH;

		memcpy(lp->batch, tasks, part * sizeof(struct scx_task *));
		lua_pushvalue(lp->L, SLOT_ENQUEUE);
		lua_pushvalue(lp->L, SLOT_TASKS);
		lua_pushinteger(lp->L, (lua_Integer)part);
		if (call_hook(lp, SLOT_ENQUEUE, "enqueue", 2, 0))
			return -1;
		tasks += part;
		n -= part;
	}
	return 0;
}

/*
 * A policy that returns nothing: if it used all its room it may hold more, else it gave what it
 * had. (A flush within the call empties the outbox; then it surely gave a lot.)
 */
static int guess_held(uint32_t before, uint32_t after, uint32_t room)
{
	return after < before || after - before >= room;
}

static int dispatch_result(struct lua_policy *lp, uint32_t before, uint32_t room)
{
	lua_State *L = lp->L;
	double held = lua_tonumber(L, -1);
	int type = lua_type(L, -1);

	lua_pop(L, 1);
	if (type == LUA_TNIL)
		return guess_held(before, lp->outbox->n, room);
	if (type == LUA_TNUMBER && held >= 0)
		return held < INT_MAX ? (int)held : INT_MAX;
	snprintf(lp->policy.error, POLICY_ERROR_LEN,
		 type == LUA_TNUMBER ? "%s: dispatch(): must return how many tasks it still holds, "
				       "0 or more, got %s%.14g" :
				       "%s: dispatch(): must return how many tasks it still holds, "
				       "got a %s",
		 lp->where[SLOT_DISPATCH], type == LUA_TNUMBER ? "" : lua_typename(L, type), held);
	return -1;
}

static int op_dispatch(struct policy *p, uint32_t room)
{
	struct lua_policy *lp = to_lua(p);
	uint32_t before = lp->outbox->n;

	if (relieve(lp, SLOT_DISPATCH))
		return -1;
	if (!push_hook(lp, SLOT_DISPATCH))
		return 0;
	lua_pushinteger(lp->L, (lua_Integer)room);
	if (call_hook(lp, SLOT_DISPATCH, "dispatch", 1, 1))
		return -1;
	return dispatch_result(lp, before, room);
}

static int op_exit_task(struct policy *p, struct scx_task *task)
{
	struct lua_policy *lp = to_lua(p);

	if (!push_hook(lp, SLOT_EXIT_TASK))
		return 0;
	lp->batch[0] = task; /* where the library's caller of exit_task() takes it from */
	return call_hook(lp, SLOT_EXIT_TASK, "exit_task", 0, 0);
}

static int op_cpu_event(struct policy *p, int cpu, int online)
{
	enum lua_slot slot = online ? SLOT_CPU_ONLINE : SLOT_CPU_OFFLINE;
	struct lua_policy *lp = to_lua(p);

	if (!push_hook(lp, slot))
		return 0;
	lua_pushinteger(lp->L, cpu);
	return call_hook(lp, slot, lua_slots[slot].key, 1, 0);
}

static int op_tick(struct policy *p, uint64_t time_ns)
{
	struct lua_policy *lp = to_lua(p);

	if (!push_hook(lp, SLOT_TICK))
		return 0;
	lua_pushnumber(lp->L, (lua_Number)time_ns);
	return call_hook(lp, SLOT_TICK, "tick", 1, 0);
}

/* ---- making and freeing ---- */

/* Printed because nothing else can be: Lua ends the process after this. */
static int on_panic(lua_State *L)
{
	const char *text = lua_tostring(L, -1);

	fprintf(stderr, "scxlua: LuaJIT gave up: %s\n", text ? text : "unknown error");
	return 0;
}

/* FILE as messages show it: the path if LuaJIT would not cut it, else its last part. */
static void name_chunk(struct lua_policy *lp, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t len;

	if (strlen(path) < LUA_IDSIZE) {
		snprintf(lp->chunk, sizeof(lp->chunk), "%s", path);
		return;
	}
	base = base ? base + 1 : path;
	len = strlen(base);
	if (len >= LUA_IDSIZE)
		base += len - LUA_IDSIZE + 1;
	snprintf(lp->chunk, sizeof(lp->chunk), "%s", base);
}

/* The default name: the file's, without .lua, in characters that a name may have. */
static void name_policy(struct lua_policy *lp, const char *path)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *base = strrchr(path, '/');
	size_t len;

	snprintf(lp->name, sizeof(lp->name), "%s", base ? base + 1 : path);
	len = strlen(lp->name);
	if (len > 4 && !strcmp(lp->name + len - 4, ".lua"))
		lp->name[len - 4] = '\0';
	for (char *c = lp->name; *c; c++)
		if (!strchr(allowed, *c))
			*c = '_';
}

static int open_state(struct lua_policy *lp, size_t arena_bytes)
{
	lp->arena_bytes = arena_bytes > MIN_ARENA_BYTES ? arena_bytes : MIN_ARENA_BYTES;
	lp->arena = arena_new(lp->arena_bytes);
	if (!lp->arena)
		return -ENOMEM;
	lp->L = lua_newstate(arena_realloc, lp->arena);
	if (!lp->L) {
		arena_free(lp->arena);
		lp->arena = NULL;
		lp->L = luaL_newstate();
		snprintf(lp->warning, sizeof(lp->warning),
			 "this LuaJIT is built without GC64: a policy's memory is neither capped "
			 "nor locked in advance");
	}
	if (!lp->L)
		return -ENOMEM;
	lua_atpanic(lp->L, on_panic);
	return 0;
}

static void set_ops(struct lua_policy *lp)
{
	lp->ops = (struct policy_ops){
		.enqueue = op_enqueue,
		.dispatch = op_dispatch,
		.exit_task = op_exit_task,
		.cpu_event = op_cpu_event,
		.tick = op_tick,
		.idle = op_idle,
	};
	lp->policy.ops = &lp->ops;
	lp->policy.self = lp;
}

static void prepare(struct lua_policy *lp, const struct script *script, const struct lua_host *host)
{
	set_ops(lp);
	lp->outbox = engine_outbox(host->engine);
	lp->load_ns = host->load_ns;
	lp->library = host->library;
	lp->builtin_idle = -1;
	name_chunk(lp, script->path);
	name_policy(lp, script->path);
}

/* Hooks that the script does not have are not called at all. */
static void drop_unused_ops(struct lua_policy *lp)
{
	if (lua_isnil(lp->L, SLOT_DISPATCH))
		lp->ops.dispatch = NULL;
	if (lua_isnil(lp->L, SLOT_EXIT_TASK))
		lp->ops.exit_task = NULL;
	if (lua_isnil(lp->L, SLOT_CPU_ONLINE) && lua_isnil(lp->L, SLOT_CPU_OFFLINE))
		lp->ops.cpu_event = NULL;
	if (lua_isnil(lp->L, SLOT_TICK))
		lp->ops.tick = NULL;
}

int lua_policy_new(struct lua_policy **out, const struct script *script,
		   const struct lua_host *host, char *error)
{
	struct lua_policy *lp = calloc(1, sizeof(*lp));

	if (!lp)
		goto no_memory;
	prepare(lp, script, host);
	if (open_state(lp, host->arena_bytes))
		goto no_memory;
	if (lua_load_policy(lp, host, script)) {
		snprintf(error, POLICY_ERROR_LEN, "%s", lp->policy.error);
		lua_policy_free(lp);
		return -1;
	}
	drop_unused_ops(lp);
	lp->relief_bytes = lp->arena ? lp->arena_bytes / 4 : 64 << 20;
	lua_policy_collect(lp);
	*out = lp;
	return 0;

no_memory:
	snprintf(error, POLICY_ERROR_LEN, "%s: no memory for a Lua state of %zu bytes",
		 script->path, host->arena_bytes);
	lua_policy_free(lp);
	return -1;
}

void lua_policy_free(struct lua_policy *lp)
{
	if (!lp)
		return;
	if (lp->L)
		lua_close(lp->L);
	arena_free(lp->arena);
	free(lp);
}

/* ---- facts ---- */

struct policy *lua_policy_ops(struct lua_policy *lp)
{
	return &lp->policy;
}

const char *lua_policy_name(const struct lua_policy *lp)
{
	return lp->name;
}

const char *lua_policy_warning(const struct lua_policy *lp)
{
	return lp->warning[0] ? lp->warning : NULL;
}

int lua_policy_builtin_idle(const struct lua_policy *lp)
{
	return lp->builtin_idle;
}

const char *lua_policy_where(const struct lua_policy *lp, enum engine_hook hook)
{
	if (hook == HOOK_LOAD)
		return lp->chunk;
	for (int i = 0; i < NR_SLOTS; i++)
		if (hook != HOOK_NONE && lua_slots[i].hook == hook && lp->where[i][0])
			return lp->where[i];
	return "";
}

const char *lua_policy_where_key(const struct lua_policy *lp, const char *key)
{
	for (int i = 0; i < NR_SLOTS; i++)
		if (lua_slots[i].key && !strcmp(lua_slots[i].key, key))
			return lp->where[i];
	return "";
}

/* Is there a directory of the library here? */
static bool is_libdir(const char *dir)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/scx.lua", dir);
	return !access(path, R_OK);
}

const char *lua_policy_libdir(void)
{
	/* Of a build in its tree, and of an installation that was moved. */
	static const char *const beside[] = { "/../lua", "/../share/scxlua/lua" };
	static char dir[PATH_MAX];
	const char *env = getenv("SCXLUA_LIBDIR");
	char exe[PATH_MAX];
	ssize_t len;

	if (env)
		return env;
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len <= 0)
		return SCXLUA_INSTALLED_LIBDIR;
	exe[len] = '\0';
	*strrchr(exe, '/') = '\0';
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		int n = snprintf(dir, sizeof(dir), "%s%s", exe, beside[i]);

		if ((size_t)n < sizeof(dir) && is_libdir(dir))
			return dir;
	}
	return SCXLUA_INSTALLED_LIBDIR;
}
