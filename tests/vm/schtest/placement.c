// SPDX-License-Identifier: GPL-2.0-only
/*
 * placement.c - schtest spread_out, come_together: where do spinners run?
 *
 * Spinners write down on which CPU they are, and every 10 ms the main thread looks at all of them.
 */
#define _GNU_SOURCE
#include "schtest.h"

enum { LOOK_NS = 10 * NS_PER_MS, GATHER_NS = 100 * NS_PER_MS, MAX_SPINNERS = 4 * MAX_CPUS };

static struct spinners {
	atomic_int cpu[MAX_SPINNERS]; /* where each was last */
} *spinners;

static void spin(void *number)
{
	atomic_int *cpu = &spinners->cpu[(intptr_t)number];

	atomic_store(cpu, sched_getcpu());
	task_is_up();
	for (;;)
		atomic_store_explicit(cpu, sched_getcpu(), memory_order_relaxed);
}

static int where(int spinner)
{
	int cpu = atomic_load(&spinners->cpu[spinner]);

	if (cpu < 0 || cpu >= topology.nr_cpus)
		die("sched_getcpu says %d", cpu);
	return cpu;
}

static void spinners_init(void)
{
	if (!spinners)
		spinners = shared_alloc(sizeof(*spinners));
}

/* ---- spread_out ---- */

/* All on core 0, as far as 100 ms suffice; then they may go anywhere. */
static void gather_and_release(int nr)
{
	cpu_set_t core = cpus_of(topology.core, 0), all = all_cpus();
	uint64_t limit = now_ns() + GATHER_NS;
	int i, here;

	for (i = 0; i < nr; i++)
		task_allow(i, &core);
	do {
		sleep_until(now_ns() + NS_PER_MS);
		for (i = here = 0; i < nr; i++)
			here += topology.core[where(i)] == 0;
	} while (here < nr && now_ns() < limit);
	for (i = 0; i < nr; i++)
		task_allow(i, &all);
}

static int count_cores(int nr)
{
	bool taken[MAX_CPUS] = { false };
	int i, nr_taken = 0;

	for (i = 0; i < nr; i++) {
		bool *core = &taken[topology.core[where(i)]];

		nr_taken += !*core;
		*core = true;
	}
	return nr_taken;
}

/*
 * spread_out: a spinner for each core, all on the first core, then let loose. The part of the
 * cores that have one, as the mean of all looks: schtest counts a core that had one at any time,
 * but no round with migrations, so that a set that wanders does not count as spread out. At least
 * 0.95.
 */
static double spread_out(uint64_t length_ns, int variant)
{
	int nr = topology.nr_cores, i;
	uint64_t end, looks = 0, taken = 0;

	(void)variant;
	spinners_init();
	for (i = 0; i < nr; i++)
		task_start(spin, (void *)(intptr_t)i, NULL);
	tasks_wait_up(nr);
	gather_and_release(nr);
	for (end = now_ns() + length_ns; now_ns() < end; looks++) {
		sleep_until(now_ns() + LOOK_NS);
		taken += (uint64_t)count_cores(nr);
	}
	return (double)taken / (double)(looks * (uint64_t)nr);
}

static const char *one_core(int variant)
{
	(void)variant;
	return topology.nr_cores < 2 ? "one core" : NULL;
}

/* ---- come_together ---- */

static void *spin_in_thread(void *number)
{
	spin(number);
	return NULL;
}

/* The spinners of process number * nr_cores and those that follow. */
static void be_family(void *number)
{
	intptr_t first = (intptr_t)number * topology.nr_cores;
	int i;

	for (i = 1; i < topology.nr_cores; i++)
		thread_start(spin_in_thread, (void *)(first + i), "spinner", 0);
	spin((void *)first);
}

/*
 * come_together: as many processes as there are last-level caches, each with as many spinners as
 * the machine has cores. The part of the spinners that are on the same cache as the first of
 * their process. At least 0.95: related threads stay together.
 */
static double come_together(uint64_t length_ns, int variant)
{
	int nr = topology.nr_llcs * topology.nr_cores, i;
	uint64_t end, seen = 0, apart = 0;

	(void)variant;
	if (nr > MAX_SPINNERS)
		die("come_together: more than %d spinners", MAX_SPINNERS);
	spinners_init();
	for (i = 0; i < topology.nr_llcs; i++)
		task_start(be_family, (void *)(intptr_t)i, NULL);
	tasks_wait_up(nr);
	for (end = now_ns() + length_ns; now_ns() < end; seen += (uint64_t)nr) {
		sleep_until(now_ns() + LOOK_NS);
		for (i = 0; i < nr; i++)
			apart += topology.llc[where(i)] !=
				 topology.llc[where(i - i % topology.nr_cores)];
	}
	return 1 - (double)apart / (double)seen;
}

static const char *one_cache(int variant)
{
	(void)variant;
	return topology.nr_llcs < 2 ? "one last-level cache" : NULL;
}

const struct test placement_tests[] = {
	{ "spread_out", "part of the cores that had a spinner", one_core, spread_out, .bound = 0.95,
	  .min_s = 2, .max_s = 30 },
	{ "come_together", "part of the spinners on the cache of the first of their process",
	  one_cache, come_together, .bound = 0.95, .min_s = 1, .max_s = 30 },
	{ 0 },
};
