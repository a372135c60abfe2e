/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - what scxlua tells people and programs: the live line, the EXIT line, the JSON.
 *
 * Every figure has one name: that of its counter in abi.h (BPF side), engine.h (user-space
 * side) or REPORT_COUNTERS here.
 */
#ifndef SCXLUA_REPORT_H
#define SCXLUA_REPORT_H

#include <stdio.h>

#include "engine.h"

enum { POLICY_NAME_LEN = 64 };

/* Figures that are no totals. */
#define REPORT_GAUGES(X)                                                                           \
	X(generation, "how many times a worker became active")                                     \
	X(bypass, "1 while no worker is active and the built-in policy schedules")                 \
	X(applied_slice_ns, "the slice of the last decided task that got a CPU")                   \
	X(lua_bytes, "memory that the Lua state has in use")

#define REPORT_COUNTERS(X)                                                                         \
	X(reloads, "scripts replaced")                                                             \
	X(reload_failures, "scripts refused at reload; the old one went on")                       \
	X(worker_restarts, "workers started anew after one was lost")                              \
	X(worker_crashes, "workers that ended without being told to")                              \
	X(worker_overruns, "workers killed because the policy did not return")                     \
	X(sandbox_kills, "workers ended because the policy made a system call that it may not")    \
	X(rollbacks, "new scripts given up for the last good one")                                 \
	X(kernel_restarts, "times the kernel asked to be attached anew")                           \
	X(page_faults, "page faults of workers while they were active")                            \
	X(settings, "options set at run time")                                                     \
	X(clients_dropped, "clients of the control and statistics sockets refused or dropped")     \
	X(log_dropped, "log lines that could not be written")

struct report {
	char policy[POLICY_NAME_LEN]; /* name of the running script */
	uint64_t hash;
	struct scxlua_counters bpf;
	struct engine_stats engine;
	struct hist reload_pause_ns; /* without decisions, per reload */
	struct policy_stats stats;   /* what the policy's stats() last said */
#define REPORT_FIELD(name, help) uint64_t name;
	REPORT_GAUGES(REPORT_FIELD)
	REPORT_COUNTERS(REPORT_FIELD)
#undef REPORT_FIELD
};

/*
 * The live line, as snprintf() does it: rates since `before`, taken `seconds` earlier;
 * percentiles since the worker started.
 */
int report_line(char *line, size_t size, const struct report *now, const struct report *before,
		double seconds);

/* All of it but the exit, as an object with the keys of the JSON file; NULL if memory is short. */
struct json_t *report_object(const struct report *r);

/* One figure of a report: a text, or a number if text is NULL. */
struct report_figure {
	const char *name, *help, *text;
	uint64_t value;
};

/* Calls put_figure() for each, flat: of a histogram `x` its x_p50, x_p99 and x_max. */
void report_walk(const struct report *r,
		 void (*put_figure)(const struct report_figure *figure, void *arg), void *arg);

/* The kernel's reason for the end, and its dump if there is one, as other scx schedulers print it. */
void report_exit(FILE *f, const struct scxlua_exit *exit, const char *dump);

/* One JSON object into the file ("-" is standard output). 0 or -errno. */
int report_json(const char *path, const struct report *r, const struct scxlua_exit *exit,
		int exit_status);

#endif
