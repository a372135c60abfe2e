/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_trial.h - the child of the check: one policy on one made-up machine.
 *
 * check_trial.c sets it up and says in which order things are tried, check_workload.c and
 * check_fresh.c try them, check_probe.c stands between engine and policy and looks.
 */
#ifndef SCXLUA_CHECK_TRIAL_H
#define SCXLUA_CHECK_TRIAL_H

#include "check_state.h"
#include "synth.h"
#include "table.h"

enum {
	TRIAL_THREADS = 4096,
	TRIAL_CPUS = 8,
};

struct probe;
struct rounds;

struct trial {
	struct check *c;
	const struct script *script;
	const struct lua_option *options;
	size_t nr_options;
	bool marks_lines; /* see struct lua_host */
	struct synth *synth;
	struct table *table;
	struct engine *engine;
	struct lua_policy *lp;
	struct probe *probe;
	enum check_load load;  /* that is running */
	double worst_bytes;    /* per task, of the workloads so far */
	bool is_timed;	       /* time is real */
	struct rounds *rounds; /* only then: who wants to know what cycles take */
};

/* A made-up machine of nr_threads and its engine. 0 or -ENOMEM; trial_close() takes either. */
int trial_open(struct trial *t, uint32_t nr_threads);
void trial_close(struct trial *t);

/* An engine and a Lua state on the machine of another trial; 0, or -1 and c->fatal. */
int trial_load(struct trial *t);

/* Puts the probe between the two, in place of what the warm-up has left. */
void trial_attach(struct trial *t);

/* One cycle of the engine. */
void trial_cycle(struct trial *t);

/* Time passes for the policy. */
void trial_step(struct trial *t, uint64_t ns);

/* Cycles until the policy gives nothing any more, though time passes; counts what is left over. */
void trial_quiet(struct trial *t);

/* The kernel has no room for more, or has it again: as long as it is full, tasks are held. */
void trial_fill(struct trial *t, bool full);

/* n tasks are enqueued, decided and run. */
void trial_batch(struct trial *t, uint32_t n);

/* All threads end. */
void trial_end_threads(struct trial *t, uint32_t nr_threads);

static inline void trial_found(struct trial *t, enum check_kind kind, enum check_hook at,
			       uint64_t n)
{
	t->c->found[kind][at][t->load] += n;
}

/* An error that a cold call of the policy has described. */
void trial_error(struct trial *t, enum check_hook at);

/* Around a call of the policy that the engine does not make. */
void trial_begin_cold(struct trial *t, enum engine_hook hook);
void trial_end_cold(struct trial *t);

/* Real time for the policy, or made-up time again. */
void trial_time(struct trial *t, bool is_timed);

/* Runs the workload that t->load says, looked at and timed, several times (check_round.c). */
void check_rounds(struct trial *t);

/* A cycle took that long; in timed rounds. */
void check_cycle_took(struct trial *t, uint64_t ns);

/* Asks for the policy's statistics. */
void check_stats(struct trial *t);

/*
 * What needs a Lua state of its own (check_fresh.c). A reload: the policy's state and its held
 * tasks go to a new one, in place of t->lp. Growth: on a machine of its own, with the script and
 * options of `like`.
 */
void check_reload(struct trial *t);
void check_growth(const struct trial *like);

/*
 * In the child: everything, with the compiler's aborts recorded if `watch`. What there is to say is
 * in *c afterwards, or when a signal ends it.
 */
void check_trial(struct check *c, const struct script *script, const struct lua_option *opts,
		 size_t nr, bool watch);

/*
 * In another child, slowly: the workloads in which decisions were wrong in `found`, once more, to
 * learn where they were made, which is in c->line afterwards.
 */
void check_lines(struct check *c, const struct script *script, const struct lua_option *opts,
		 size_t nr, const struct check *found);

#endif
