// SPDX-License-Identifier: GPL-2.0-only
/* check_workload.c - what a policy is put through: bursts, steady streams, threads that end. */
#include <stdio.h>
#include <unistd.h>

#include "check_state.h"

enum {
	STEADY_TASKS = 50000, /* per batch size */
	CHURN_TASKS = 40000,
	QUIET_CYCLES = 4096, /* after which what is held is not going to be dispatched */
};

/* One cycle of the engine, timed; false if there was nothing to do. */
static bool cycle(struct trial *t)
{
	uint64_t begin = check_clock_ns(CLOCK_MONOTONIC);
	uint64_t errors = t->c->stats.policy_errors;
	uint32_t handled = engine_cycle(t->engine);

	t->c->engine_ns += check_clock_ns(CLOCK_MONOTONIC) - begin;
	if (!errors && t->c->stats.policy_errors)
		snprintf(t->c->hook_error, POLICY_ERROR_LEN, "%s", lua_policy_ops(t->lp)->error);
	return handled != 0;
}

static void run_batch(struct trial *t, uint32_t n)
{
	synth_enqueue(t->synth, n);
	cycle(t);
	cycle(t);
	synth_drain(t->synth);
}

/* Cycles until the policy has nothing more to give, its tick() included. */
static void run_until_quiet(struct trial *t)
{
	const struct policy *p = lua_policy_ops(t->lp);
	uint64_t wait_ns = p->ops->tick ? 3 * p->ops->tick_ns : 0;
	uint64_t until =
		check_clock_ns(CLOCK_MONOTONIC) + (wait_ns < 2000000000u ? wait_ns : 2000000000u);
	uint64_t committed;

	do {
		for (int i = 0; i < QUIET_CYCLES; i++) {
			committed = t->c->stats.committed;
			cycle(t);
			if (!synth_drain(t->synth) && t->c->stats.committed == committed)
				break;
		}
		if (wait_ns && table_len(t->table))
			usleep(1000);
	} while (check_clock_ns(CLOCK_MONOTONIC) < until);
	t->c->never += synth_age(t->synth);
	cycle(t);
}

/* Batches of one size; returns the bytes that the Lua heap took for them. */
static size_t run_steady(struct trial *t, uint32_t size)
{
	size_t grown = 0, before = lua_policy_bytes(t->lp), now;

	for (uint32_t i = 0; i < STEADY_TASKS / size; i++) {
		run_batch(t, size);
		now = lua_policy_bytes(t->lp);
		grown += now > before ? now - before :
					0; /* it shrinks when the policy runs short */
		before = now;
	}
	return grown;
}

static void run_streams(struct trial *t)
{
	static const uint32_t sizes[] = { 512, 64, 8, 1 };
	uint64_t received = t->c->stats.received;
	size_t grown = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		grown += run_steady(t, sizes[i]);
	received = t->c->stats.received - received;
	t->c->bytes_per_task = received ? (double)grown / (double)received : 0;
	run_until_quiet(t);
}

static void run_bursts(struct trial *t)
{
	for (int i = 0; i < 4; i++) {
		run_batch(t, NR_THREADS);
		run_until_quiet(t);
	}
}

/* Threads end while queued, while held and while running. */
static void run_churn(struct trial *t)
{
	for (uint32_t i = 0; i < CHURN_TASKS / 8; i++) {
		synth_enqueue(t->synth, 8);
		if (i % 2)
			cycle(t);
		synth_exit(t->synth, i % NR_THREADS);
		cycle(t);
		synth_drain(t->synth);
	}
	run_until_quiet(t);
	for (uint32_t i = 0; i < NR_THREADS; i++)
		synth_exit(t->synth, i);
	run_until_quiet(t);
}

void check_workloads(struct trial *t)
{
	run_bursts(t);
	run_streams(t);
	run_churn(t);
}
