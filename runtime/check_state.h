/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_state.h - private to check.c (the parent: starts, watches and asks for the report),
 * check_trial.c (the child's set-up), check_workload.c (what the policy is put through) and
 * check_report.c (what is printed).
 *
 * Parent and child share one struct check, written by the child and read by the parent once
 * the child has ended (the progress: at any time).
 */
#ifndef SCXLUA_CHECK_STATE_H
#define SCXLUA_CHECK_STATE_H

#include <time.h>

#include "check.h"
#include "synth.h"
#include "table.h"

enum {
	NR_THREADS = 4096,
	NR_CPUS = 4,
	LOAD_LIMIT_MS = 1000,
	WHERE_BYTES = 96,
	MAX_ABORTS = 8,
	ABORT_BYTES = 200,
};

struct abort_line {
	char text[ABORT_BYTES];
	uint32_t times;
};

struct check {
	struct engine_progress progress;
	char where[NR_HOOKS][WHERE_BYTES];
	int crashed;  /* signal */
	bool ran_out; /* of Lua memory, before the crash */
	bool is_done;

	char name[64];
	char warning[POLICY_ERROR_LEN];
	char fatal[POLICY_ERROR_LEN];	   /* why it cannot be used */
	char hook_error[POLICY_ERROR_LEN]; /* the first one */
	struct engine_stats stats;
	uint64_t never; /* tasks that were not decided when nothing else was left to do */
	uint64_t engine_ns;
	double bytes_per_task;
	uint32_t nr_aborts; /* distinct, in abort[] */
	struct abort_line abort[MAX_ABORTS];
};

/* What the child works with. */
struct trial {
	struct check *c;
	struct script *script;
	struct lua_policy *lp;
	struct engine *engine;
	struct synth *synth;
	struct table *table;
};

/* The reading of a clock, ns. */
uint64_t check_clock_ns(clockid_t clock);

/*
 * In the child: loads the script and runs the workloads, with the compiler's aborts recorded if
 * `watch`. What there is to say is in *c afterwards, or when a signal ended it.
 */
void check_trial(struct check *c, struct script *script, const struct lua_option *opts, size_t nr,
		 bool watch);

/* All the workloads, on a trial that is set up and warmed up. */
void check_workloads(struct trial *t);

/* Prints what was found. Returns the exit status. */
int check_report(const struct check *c, const struct script *s, const struct check_args *args);

#endif
