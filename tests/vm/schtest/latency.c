// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency.c - schtest adaptive_priority, ping_pong: how long from a wake-up to running?
 */
#define _GNU_SOURCE
#include "schtest.h"

#include <math.h>

enum { MIN_WAKEUPS = 20, ROUND_TRIP_NS = 10 * NS_PER_MS, FAST_NS = 100 * NS_PER_US };

/* ---- adaptive_priority ---- */

static struct pair {
	struct flag *go, *back;
	uint64_t burn_ns; /* CPU time of the servant, for each go */
} slow = { .burn_ns = ROUND_TRIP_NS }, fast = { .burn_ns = FAST_NS };

/* Takes 10 ms for an answer: with CPU time, or asleep for what it does not burn. */
static void *serve(void *arg)
{
	struct pair *p = arg;

	task_is_up();
	for (;;) {
		flag_wait(p->go);
		burn(p->burn_ns);
		if (p->burn_ns < ROUND_TRIP_NS)
			sleep_until(now_ns() + ROUND_TRIP_NS - p->burn_ns);
		flag_raise(p->back);
	}
	return NULL;
}

static void be_pair(void *arg)
{
	struct pair *p = arg;

	thread_start(serve, p, "servant", 0);
	task_is_up();
	for (;;) {
		flag_raise(p->go);
		flag_wait(p->back);
	}
}

static void pair_start(struct pair *p, const cpu_set_t *cpus)
{
	if (!p->go) {
		p->go = flag_new();
		p->back = flag_new();
	}
	flag_reset(p->go);
	flag_reset(p->back);
	task_start(be_pair, p, cpus);
}

static double p90(const struct flag *f)
{
	struct samples late;
	double ns = NAN;

	samples_init(&late, FLAG_LATENCIES);
	flag_latencies(f, &late);
	if (late.n >= MIN_WAKEUPS)
		ns = (double)samples_quantile(&late, 900);
	samples_free(&late);
	return ns;
}

/*
 * adaptive_priority: two pairs of threads on one CPU, each a master that says go and a servant
 * that answers after 10 ms: one burns them, the other burns 0.1 ms and sleeps. The wake-up
 * latency at the 90th percentile of the servant that sleeps, by that of the one that burns. Below
 * 0.50: who needs little is served sooner.
 */
static double adaptive_priority(uint64_t length_ns, int variant)
{
	cpu_set_t cpus;

	(void)variant;
	CPU_ZERO(&cpus);
	CPU_SET(first_cpu_of(topology.core, 0), &cpus);
	pair_start(&slow, &cpus);
	pair_start(&fast, &cpus);
	tasks_wait_up(4);
	flag_forget(slow.go);
	flag_forget(fast.go);
	sleep_until(now_ns() + length_ns);
	tasks_end();
	return p90(fast.go) / p90(slow.go);
}

const struct test latency_tests[] = {
	{ "adaptive_priority", "p90 of wake-ups of who burns 0.1 of 10 ms by p90 of who burns all",
	  NULL, adaptive_priority, .bound = 0.50, .is_below = true, .min_s = 5, .max_s = 10 },
	{ 0 },
};

/* ---- ping_pong ---- */

enum where { SAME_HYPERTHREAD, SAME_CORE, SAME_COMPLEX, SAME_NODE, UNPINNED };

static struct flag *ping, *pong;

static void hit(void *unused)
{
	(void)unused;
	task_is_up();
	for (;;) {
		flag_raise(ping);
		flag_wait(pong);
	}
}

static void hit_back(void *unused)
{
	(void)unused;
	task_is_up();
	for (;;) {
		flag_wait(ping);
		flag_raise(pong);
	}
}

static cpu_set_t cpus_where(enum where where)
{
	cpu_set_t set;

	switch (where) {
	case SAME_CORE:
		return cpus_of(topology.core, 0);
	case SAME_COMPLEX:
		return cpus_of(topology.llc, 0);
	case SAME_NODE:
		return cpus_of_node(0);
	case UNPINNED:
		return all_cpus();
	case SAME_HYPERTHREAD:
		break;
	}
	CPU_ZERO(&set);
	CPU_SET(first_cpu_of(topology.core, 0), &set);
	return set;
}

/* A place with the same CPUs as the next larger one shows nothing that the other does not. */
static const char *ping_pong_missing(int where)
{
	cpu_set_t these, those;

	if (where == UNPINNED)
		return NULL;
	these = cpus_where((enum where)where);
	those = cpus_where((enum where)(where + 1));
	return CPU_EQUAL(&these, &those) ? "the next larger place has the same CPUs" : NULL;
}

/*
 * ping_pong: two processes that wake each other and sleep, on the CPUs of one place. The median of
 * the wake-up latencies in us. schtest only reports it (and asks for its 50th percentile); so
 * has it no bound here: a time says nothing on CPUs that may be emulated.
 */
static double ping_pong(uint64_t length_ns, int where)
{
	cpu_set_t cpus = cpus_where((enum where)where);
	struct samples late;
	double us = NAN;

	if (!ping) {
		ping = flag_new();
		pong = flag_new();
	}
	flag_reset(ping);
	flag_reset(pong);
	task_start(hit_back, NULL, &cpus);
	task_start(hit, NULL, &cpus);
	tasks_wait_up(2);
	flag_forget(ping);
	flag_forget(pong);
	sleep_until(now_ns() + length_ns);
	tasks_end();
	samples_init(&late, 2 * FLAG_LATENCIES);
	flag_latencies(ping, &late);
	flag_latencies(pong, &late);
	if (late.n >= MIN_WAKEUPS)
		us = (double)samples_quantile(&late, 500) / NS_PER_US;
	samples_free(&late);
	return us;
}

#define PING_PONG(name, where)                                                                     \
	{ "ping_pong/" name,                                                                       \
	  "median wake-up latency, us",                                                            \
	  ping_pong_missing,                                                                       \
	  ping_pong,                                                                               \
	  where,                                                                                   \
	  .bound = NAN,                                                                            \
	  .is_below = true,                                                                        \
	  .min_s = 2,                                                                              \
	  .max_s = 2 }

const struct test ping_pong_tests[] = {
	PING_PONG("SameHyperthread", SAME_HYPERTHREAD),
	PING_PONG("SameCore", SAME_CORE),
	PING_PONG("SameComplex", SAME_COMPLEX),
	PING_PONG("SameNode", SAME_NODE),
	PING_PONG("Unpinned", UNPINNED),
	{ 0 },
};
