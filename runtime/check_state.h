/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_state.h - what the two processes of the check share, private to check*.c.
 *
 * check.c is the parent: it starts the child, watches it and asks check_report.c for the report.
 * The child (check_trial.h) fills in one struct check, which the parent reads when the child has
 * ended (the progress: at any time).
 */
#ifndef SCXLUA_CHECK_STATE_H
#define SCXLUA_CHECK_STATE_H

#include "check.h"

enum {
	WHERE_BYTES = 96,
	MAX_ABORTS = 8,
};

/* Functions of the policy's table, so that a problem can be said to be in one of them. */
enum check_hook {
	AT_NONE,
	AT_ENQUEUE,
	AT_DISPATCH,
	AT_EXIT_TASK,
	AT_CPU_ONLINE,
	AT_CPU_OFFLINE,
	AT_TICK,
	AT_STATS,
	AT_EXPORT,
	AT_IMPORT,
	NR_AT,
};

extern const char *const check_hook_key[NR_AT]; /* "" for AT_NONE */

/* What a policy is put through, in this order; the table is in check_workload.c. */
enum check_load {
	LOAD_BURST,
	LOAD_STEADY,
	LOAD_CHURN,
	LOAD_AFFINITY,
	LOAD_HOTPLUG,
	LOAD_RELOAD,
	LOAD_GROWTH,
	NR_LOADS,
};

struct trial;

struct check_load_row {
	const char *name;
	const char *shows;
	void (*run)(struct trial *t); /* once; NULL if it needs more than one Lua state */
};
extern const struct check_load_row check_loads[NR_LOADS];

/* What can be wrong with a policy that can be used, the worst first. Texts in check_report.c. */
enum check_kind {
	FOUND_ERROR,
	FOUND_NEVER,
	FOUND_TWICE,
	FOUND_AGAIN,
	FOUND_ENDED,
	FOUND_NO_TASK,
	FOUND_OFFLINE,
	FOUND_FORBIDDEN,
	FOUND_BAD_CPU,
	FOUND_BAD_SLICE,
	FOUND_BAD_VTIME,
	FOUND_BAD_FLAGS,
	FOUND_DENIED,
	FOUND_INVENTED,
	FOUND_OVER_ROOM,
	FOUND_LOST_STATE,
	FOUND_BAD_STATS,
	FOUND_GROWTH,
	FOUND_GARBAGE,
	FOUND_NOT_COMPILED,
	NR_FOUND,

	FIRST_OF_DECISION = FOUND_TWICE, /* those that are wrong with one decision */
	LAST_OF_DECISION = FOUND_BAD_FLAGS,
};

/* What a workload has cost. Times and bytes are those of the quietest of several rounds. */
struct check_figures {
	uint64_t tasks;			/* enqueued */
	uint64_t batches;		/* calls of enqueue() */
	uint64_t ended;			/* threads */
	uint64_t never;			/* tasks that were never dispatched */
	double ns;			/* per task: engine and policy */
	double enqueue_ns, dispatch_ns; /* per task: the hook alone */
	double bytes;			/* per task, that the Lua heap has grown by */
};

struct check_abort {
	char line[POLICY_ERROR_LEN]; /* FILE:LINE: why */
	enum check_hook at;
	uint32_t times;
};

struct check {
	struct engine_progress progress;
	char where[NR_HOOKS][WHERE_BYTES]; /* FILE:LINE, for what ends the child */
	char where_at[NR_AT][WHERE_BYTES];
	int crashed;	  /* signal */
	bool ran_out;	  /* of Lua memory, before the crash */
	uint32_t refused; /* the system call that ended it; see sandbox_call_name() */
	bool is_done;

	char name[64];
	char warning[POLICY_ERROR_LEN];
	char fatal[POLICY_ERROR_LEN]; /* why it cannot be used */
	struct engine_stats stats;
	struct check_figures figures[NR_LOADS];
	uint64_t found[NR_FOUND][NR_AT][NR_LOADS];
	uint32_t line[NR_FOUND][NR_AT];		 /* of the call that did it, 0 = not known */
	char error[NR_AT][POLICY_ERROR_LEN];	 /* the first one of each hook */
	char detail[NR_FOUND][POLICY_ERROR_LEN]; /* what a number does not say, "" if nothing */
	size_t heap_bytes;			 /* that the policy keeps after all workloads */
	uint32_t nr_aborts;
	struct check_abort abort[MAX_ABORTS];
};

/* Prints what was found. Returns the exit status. */
int check_report(const struct check *c, const struct script *s, const struct check_args *args);

#endif
