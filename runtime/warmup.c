// SPDX-License-Identifier: GPL-2.0-only
/*
 * warmup.c - see warmup.h.
 *
 * Large batches come first: a loop that LuaJIT finds hot while it makes a single turn cannot be
 * compiled as a loop, and after some attempts it never is.
 */
#include "warmup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synth.h"

enum {
	NR_THREADS = 1024,
	MIN_ROUNDS = 3,
	MAX_ROUNDS = 12,
	MAX_CYCLES = 64, /* for what a batch leaves behind */
};

/* Tasks at once, how often, and CPUs that dispatch() believes there are (room is twice that). */
static const struct step {
	uint32_t size, times, nr_online;
} steps[] = {
	{ 512, 24, 256 }, { 64, 80, 32 }, { 512, 8, 16 },
	{ 8, 200, 4 },	  { 1, 300, 1 },  { 8, 50, 2 },
};

struct warmup {
	struct lua_policy *lp;
	struct engine *engine;
	struct synth *synth;
	struct table *table;
	struct engine_stats *stats;
	struct policy_stats *policy_stats;
	uint32_t next_exit;
	char *error;
};

static bool has_failed(struct warmup *w)
{
	struct policy *p = lua_policy_ops(w->lp);

	if (!w->stats->policy_errors)
		return false;
	snprintf(w->error, POLICY_ERROR_LEN, "%s", p->error);
	return true;
}

/* One batch of n until the policy has decided it, or does not want to. */
static void run_batch(struct warmup *w, uint32_t n)
{
	synth_enqueue(w->synth, n);
	for (int i = 0; i < MAX_CYCLES; i++)
		if (!engine_cycle(w->engine) && !synth_drain(w->synth))
			break;
}

static void end_thread(struct warmup *w)
{
	synth_exit(w->synth, w->next_exit);
	w->next_exit = (w->next_exit + 1) % NR_THREADS;
}

static bool run_step(struct warmup *w, const struct step *step)
{
	synth_control(w->synth)->nr_online = step->nr_online;
	for (uint32_t i = 0; i < step->times; i++) {
		run_batch(w, step->size);
		if (i % 4 == 3)
			end_thread(w);
		if (has_failed(w))
			return false;
	}
	return true;
}

static bool run_round(struct warmup *w)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!run_step(w, &steps[i]))
			return false;
	if (lua_policy_stats(w->lp, w->policy_stats)) {
		snprintf(w->error, POLICY_ERROR_LEN, "%s", lua_policy_ops(w->lp)->error);
		return false;
	}
	synth_age(w->synth); /* what the policy keeps to itself, so that the next round has tasks */
	engine_idle(w->engine);
	return true;
}

/* Rounds until nothing is compiled any more. */
static bool run_rounds(struct warmup *w)
{
	size_t before = 0;

	for (int i = 0; i < MAX_ROUNDS; i++) {
		size_t now = lua_policy_bytes(w->lp);

		if (i >= MIN_ROUNDS && now <= before)
			break;
		before = now;
		if (!run_round(w))
			return false;
	}
	return true;
}

static bool end_all(struct warmup *w)
{
	for (uint32_t i = 0; i < NR_THREADS; i++)
		synth_exit(w->synth, i);
	while (engine_cycle(w->engine))
		synth_drain(w->synth);
	return !has_failed(w);
}

static int warm_up_on(struct warmup *w, const struct lua_host *host)
{
	struct engine_binding binding = {
		.view = { .cpus = synth_cpus(w->synth),
			  .nr_cpus = host->nr_cpus,
			  .control = synth_control(w->synth) },
		.in = synth_ring(w->synth),
		.out = synth_uring(w->synth),
		.table = w->table,
		.stats = w->stats,
	};
	bool ok;

	engine_swap(w->engine, &binding);
	engine_set_policy(w->engine, lua_policy_ops(w->lp));
	ok = run_rounds(w);
	ok = end_all(w) && ok;
	engine_swap(w->engine, &binding);
	lua_policy_collect(w->lp);
	return ok ? 0 : -1;
}

int policy_warm_up(struct lua_policy *lp, const struct lua_host *host, char *error)
{
	struct warmup w = {
		.lp = lp,
		.engine = host->engine,
		.synth = synth_new(NR_THREADS, host->nr_cpus, 1),
		.table = table_new(2 * NR_THREADS, host->nr_cpus),
		.stats = calloc(1, sizeof(*w.stats)),
		.policy_stats = calloc(1, sizeof(*w.policy_stats)),
		.error = error,
	};
	int err = -1;

	if (w.synth && w.table && w.stats && w.policy_stats) {
		/* No times that are still to come: the policy may keep the latest it has seen. */
		synth_follow(w.synth, scx_now_ns);
		err = warm_up_on(&w, host);
	} else {
		snprintf(error, POLICY_ERROR_LEN, "no memory to warm up the policy");
	}
	free(w.policy_stats);
	free(w.stats);
	table_free(w.table);
	synth_free(w.synth);
	return err;
}
