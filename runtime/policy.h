/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - a policy as the engine sees it: three calls, no Lua.
 *
 * policy_lua.h makes one from a Lua script; the benchmark and the unit tests make theirs in C.
 * Every call returns 0 or more, or -1 after an error that the policy has described in `error`
 * (one line: where, what). Calls never block and allocate nothing of the runtime's.
 */
#ifndef SCXLUA_POLICY_H
#define SCXLUA_POLICY_H

#include "abi.h"

enum { POLICY_ERROR_LEN = 512, POLICY_STATS_MAX = 32, POLICY_STAT_KEY_LEN = 32 };

/* A number that a policy puts in the table of its stats(). */
struct policy_stat {
	char key[POLICY_STAT_KEY_LEN];
	double value;
};

struct policy_stats {
	uint32_t nr;
	uint32_t refused; /* entries that are not among these, or whose key was cut */
	struct policy_stat stat[POLICY_STATS_MAX]; /* by key */
};

struct policy {
	const struct policy_ops *ops;
	void *self;
	char error[POLICY_ERROR_LEN]; /* of the last call that returned -1 */
};

struct policy_ops {
	/* n tasks became runnable, in order of arrival. */
	int (*enqueue)(struct policy *p, struct scx_task **tasks, uint32_t n);
	/* May issue up to `room` decisions; returns how many tasks the policy still holds. */
	int (*dispatch)(struct policy *p, uint32_t room);
	/* The thread is gone; the task is valid until this returns. */
	int (*exit_task)(struct policy *p, struct scx_task *task);
	/* A CPU came (online = 1) or went. */
	int (*cpu_event)(struct policy *p, int cpu, int online);
	/* Called at most every tick_ns, 0 if it wants none. */
	int (*tick)(struct policy *p, uint64_t now_ns);
	/* Housekeeping when there is nothing else to do, bounded to about 100 us. */
	void (*idle)(struct policy *p);
	uint64_t tick_ns;
};

#endif
