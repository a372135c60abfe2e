/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - `scxlua check`: is a policy fit to schedule, found out without root or kernel?
 *
 * The policy runs in a child process, through the real engine, on a made-up machine (synth.h):
 * bursts, steady streams, threads that end, masks that change, CPUs that go and come, a reload,
 * and a long time. Every decision is looked at. The parent kills a child whose policy does not
 * return, so no script can hang or crash the check itself.
 */
#ifndef SCXLUA_CHECK_H
#define SCXLUA_CHECK_H

#include <stddef.h>

#include "policy_lua.h"

struct check_args {
	const char *json; /* file for one JSON object, "-" = standard output; NULL = text */
};

/*
 * Checks the script at path with the options given and prints what it found, as text on
 * standard output or as JSON: each problem with its place, what to do about it and where it came
 * up, then what a task costs in each workload. Takes less than a second. Returns
 *   0  nothing wrong
 *   1  it can be used, but is wrong: some call raised an error, tasks were never dispatched or
 *      decided wrongly, state is lost at a reload, it allocates memory for every task or keeps
 *      more and more, or the JIT compiler gave up on hot code of it
 *   2  it cannot be used: unreadable, does not load, fails on the first tasks, does not return,
 *      crashes
 */
int check_run(const char *path, const struct lua_option *opts, size_t nr,
	      const struct check_args *args);

#endif
