/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - `scxlua check`: is a policy fit to schedule, found out without root or kernel?
 *
 * The policy runs in a child process, through the real engine, on made-up threads (synth.h):
 * bursts, steady streams of 1 to 512 tasks, threads that end. The parent kills a child whose
 * policy does not return, so no script can hang or crash the check itself.
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
 * standard output or as JSON. Takes about a second. Returns
 *   0  nothing wrong
 *   1  it can be used, but a hook raised an error, tasks were never dispatched or decided
 *      wrongly, the JIT compiler gave up on code of it, or it allocates memory for every task
 *   2  it cannot be used: unreadable, does not load, fails on the first tasks, does not return,
 *      crashes
 */
int check_run(const char *path, const struct lua_option *opts, size_t nr,
	      const struct check_args *args);

#endif
