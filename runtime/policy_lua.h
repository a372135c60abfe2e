/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_lua.h - a policy written in Lua.
 *
 * The only module that knows Lua. A state lives in its own arena (cap), with the JIT on, the
 * collector stopped (stepped in idle time only), strict globals, and the `scx` module of
 * lua/ as the policy's interface. Every call into the script is one protected call per batch;
 * an error is one line in policy.error: `FILE:LINE: enqueue(): message; called from FILE:LINE`.
 *
 * Order of use: script_read, lua_policy_new (loads, checks, init), policy_warm_up (warmup.h),
 * lua_policy_import after a reload, then an engine; script_free may come right after _new.
 */
#ifndef SCXLUA_POLICY_LUA_H
#define SCXLUA_POLICY_LUA_H

#include <stdbool.h>
#include <stddef.h>

#include "engine.h"

enum { POLICY_LOAD_LIMIT_MS = 2000 }; /* CPU time that a top level and init() may take */

/* The text of a script, read once: what is checked is what runs. */
struct script {
	char *path;
	char *text; /* NUL-terminated for convenience; may contain NULs */
	size_t len;
	uint64_t hash; /* FNV-1a of the text */
};

/* `-o key=value` pairs, in the order given. */
struct lua_option {
	const char *key;
	const char *value;
};

struct lua_host {
	struct engine *engine; /* whose outbox the policy writes to, for its whole life */
	const struct scx_cpu *cpus;
	uint32_t nr_cpus;
	uint32_t max_tasks; /* capacity of the queues a policy makes */
	const struct lua_option *options;
	size_t nr_options;
	const char *libdir;	       /* where scx.lua is; NULL = lua_policy_libdir() */
	const struct library *library; /* instead of libdir: read in advance, outlives the policy */
	size_t arena_bytes;	       /* at least 4 MiB */
	uint64_t load_ns;	       /* CPU time the top level and init() may take */
	bool mark_lines; /* each decision's `reserved` is the line that made it; slow */
};

struct lua_policy;

/*
 * Reads a script: a regular file of at most 1 MiB, text. 0, or -1 and one line in
 * error[POLICY_ERROR_LEN]: what, which file, why. A file that changes meanwhile is read again.
 * The second refuses a file that others can change; see script_path.h.
 */
struct script_trust;
int script_read(struct script **out, const char *path, char *error);
int script_read_trusted(struct script **out, const char *path, const struct script_trust *trust,
			char *error);
void script_free(struct script *s);

/*
 * Makes a Lua state, loads the script, checks the table it returns, applies the options and
 * calls init(). The JIT is off and a CPU-time limit holds while that runs, so an endless loop
 * at load is an error with FILE:LINE too, but one inside a C function (a pattern match) is not
 * noticed here: the supervising process must have a limit of its own.
 * Returns 0, or -1 and one line in error[POLICY_ERROR_LEN]; nothing stays allocated then.
 */
int lua_policy_new(struct lua_policy **out, const struct script *script,
		   const struct lua_host *host, char *error);
void lua_policy_free(struct lua_policy *lp);

struct policy *lua_policy_ops(struct lua_policy *lp);

const char *lua_policy_name(const struct lua_policy *lp);

/* Something the user should be told about this build or script, one line; NULL if nothing. */
const char *lua_policy_warning(const struct lua_policy *lp);

/* builtin_idle as the script or -o sets it: 1, 0, or -1 if neither does. */
int lua_policy_builtin_idle(const struct lua_policy *lp);

/* FILE:LINE where a hook is defined, for messages about a worker that is no more; "" if not. */
const char *lua_policy_where(const struct lua_policy *lp, enum engine_hook hook);

/* The same of a key of the policy's table that is a function: "cpu_offline". */
const char *lua_policy_where_key(const struct lua_policy *lp, const char *key);

/*
 * Cold calls. Each returns 0, or -1 and one line in the policy's error. They may allocate in the
 * arena and run Lua in the interpreter: between batches, from the worker's thread only.
 */

/* Sets one option while the policy runs; the same checks as -o. builtin_idle is not one. */
int lua_policy_set(struct lua_policy *lp, const char *key, const char *value);

/* One call per option: its value and default as text, its help, its range ("" = none). */
struct lua_option_row {
	const char *key, *value, *fallback, *help, *range;
};
int lua_policy_options(struct lua_policy *lp,
		       void (*row)(const struct lua_option_row *row, void *arg), void *arg);

/*
 * Calls stats(t) and takes the numbers out of t, sorted by key; POLICY_STATS_MAX of them, and keys
 * cut to POLICY_STAT_KEY_LEN - 1 bytes, are kept. No stats(): none.
 */
int lua_policy_stats(struct lua_policy *lp, struct policy_stats *out);

/*
 * export() as text in *text, to be freed by the caller; NULL if the policy has none. import()
 * takes that text in the next worker; text of a policy without export() is ignored.
 */
int lua_policy_export(struct lua_policy *lp, char **text, size_t *len);
int lua_policy_import(struct lua_policy *lp, const char *text, size_t len);

/* Bytes the Lua heap has in use, and has ever taken from its arena (0 without an arena). */
size_t lua_policy_bytes(const struct lua_policy *lp);
size_t lua_policy_peak(const struct lua_policy *lp);

/*
 * Has the arena ever been full? LuaJIT of 2022 may crash when compiled code runs out of memory,
 * so this is the first thing to ask after a crash. Async-signal-safe.
 */
bool lua_policy_ran_out(const struct lua_policy *lp);

/*
 * For `scxlua check`: records where the JIT compiler gives up, from this call on (call before
 * warm-up). It allocates; not for a worker. 0, or -1 and policy.error.
 */
int lua_policy_watch_traces(struct lua_policy *lp);

/* Reads what that needs from files, for a process that has none by then. */
void lua_policy_prepare_traces(void);

/*
 * Aborts since then; with_row (may be NULL) is called once per distinct "FILE:LINE: why" and hook
 * ("" if none was running), most frequent first.
 */
struct lua_abort_row {
	const char *line, *hook;
	uint32_t times;
};
uint32_t lua_policy_trace_aborts(struct lua_policy *lp,
				 void (*with_row)(const struct lua_abort_row *row, void *arg),
				 void *arg);

/*
 * Do two results of lua_policy_export() say the same? Numbers may differ by 1 %, because a policy
 * may hand over times. 0, or 1 and in difference[POLICY_ERROR_LEN] the first thing that differs
 * ("state.credit was 5, is gone"), or -1 and the policy's error.
 */
int lua_policy_compare(struct lua_policy *lp, const char *before, size_t before_len,
		       const char *after, size_t after_len, char *difference);

/* Records no more. LuaJIT of 2022 may crash while it reports, so do not watch without need. */
int lua_policy_unwatch_traces(struct lua_policy *lp);

/* Runs a full collection and stops the collector again; between warm-up and attach only. */
void lua_policy_collect(struct lua_policy *lp);

/*
 * Runs the policy in the interpreter from now on, where lua_policy_bytes() after a collection is
 * what the policy keeps, to the byte: the compiler has memory of its own in the same heap. Slow.
 */
void lua_policy_interpret(struct lua_policy *lp);

/* scx.log() of every policy of this process says nothing from now on. */
void lua_policy_mute(void);

/*
 * The directory of scx.lua: $SCXLUA_LIBDIR, ../lua or ../share/scxlua/lua beside the binary, or
 * where it was installed.
 */
const char *lua_policy_libdir(void);

#endif
