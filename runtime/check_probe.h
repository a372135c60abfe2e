/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_probe.h - a policy in front of the policy: passes every call on, and either looks at what
 * came of it or takes the time, not both, because looking takes longer than most policies do.
 *
 * While it looks, it flushes the outbox after each call, so that what the engine counts belongs
 * to that hook. What is wrong goes to trial_found().
 */
#ifndef SCXLUA_CHECK_PROBE_H
#define SCXLUA_CHECK_PROBE_H

#include "check_trial.h"

/* What timed calls have taken, and the heap of calls that were looked at has grown by. */
struct probe_sums {
	uint64_t ns[NR_AT];
	uint64_t calls[NR_AT];
	uint64_t bytes[NR_AT];
};

/* NULL if memory is short. */
struct probe *probe_new(struct trial *t);
void probe_free(struct probe *p);

/* What the engine is to call. */
struct policy *probe_policy(struct probe *p);

/* Looks from now on, or takes the time; the sums begin anew. */
void probe_look(struct probe *p);
void probe_time(struct probe *p);

const struct probe_sums *probe_sums(const struct probe *p);

/* What one pair of readings of the clock adds to what is between them, ns. */
double probe_clock_cost(void);

/* CLOCK_MONOTONIC. */
uint64_t probe_clock(void);

#endif
