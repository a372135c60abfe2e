/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_rig.h - a Lua policy in an engine, scheduling the made-up machine. Needs the library:
 * SCXLUA_LIBDIR, or ./lua when run from the top of the tree.
 *
 * Messages for wrong scripts are compared in tests/cli/check.t; the tests on this rig show what a
 * process cannot.
 */
#ifndef SCXLUA_POLICY_RIG_H
#define SCXLUA_POLICY_RIG_H

#include "unit.h"

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

extern struct rig rig;

int rig_set_up(void **state);
int rig_tear_down(void **state);

/* Loads a script given as text; 0 or -1 and rig.error. */
int load_text(const char *text);
void refuses(const char *text, const char *message);
void load_file(const char *path);

void run_tasks(uint32_t tasks, uint32_t size); /* `size` at a time */
const char *policy_error(void);
void assert_contains(const char *text, const char *part);

#define FIFO_LOOP "for i = 0, n - 1 do scx.dispatch(tasks[i]) end "

/* A whole policy around the body of enqueue(). */
#define POLICY(before, body)                                                                       \
	"local scx = require 'scx'\n" before "\nreturn { enqueue = function(tasks, n)\n" body      \
	"\nend }"

#define WITH_RIG(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

#endif
