// SPDX-License-Identifier: GPL-2.0-only
/*
 * place.c - where do threads run that sleep, run a short burst, and sleep again?
 *
 *   measure place [KEY=VALUE]...
 *
 * Each thread looks, when a burst begins, at where it is and where the others are busy. Beside
 * them are `busy` threads that never sleep. Prints: threads, cpus, cores, llcs, bursts; cpu_N,
 * permille of the bursts that began on that CPU; of all bursts, permille: moved_permille, on
 * another CPU than the end of the one before; llc_permille, on another last-level cache than
 * that; shared_permille, on a core where another thread was busy while on some core nobody was;
 * late_p10_us, late_p50_us and late_p90_us, how late bursts began.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>

#include "measure.h"

enum { MAX_THREADS = 64, STEP_NS = 200 * NS_PER_US };

static long seconds = 10, threads = 2, sleep_us = 5000, burst_us = 3000, busy;
static const char *name = "burst";

static const struct setting settings[] = {
	{ "seconds", .number = &seconds, 1, 600, .help = "how long bursts are counted" },
	{ "threads", .number = &threads, 1, MAX_THREADS, .help = "threads" },
	{ "sleep_us", .number = &sleep_us, 100, 1000000, .help = "how long they sleep" },
	{ "burst_us", .number = &burst_us, 100, 1000000, .help = "CPU time of a burst" },
	{ "busy", .number = &busy, 0, MAX_THREADS, .help = "threads that never sleep" },
	{ "name", .text = &name, .help = "of the threads" },
	{ 0 },
};

static struct topology topology;

static struct walker {
	atomic_int busy_on; /* CPU of its burst + 1; 0 while it sleeps */
	int64_t bursts, moved, llc, shared;
	int64_t on[MAX_CPUS];
	struct samples late;
} walker[2 * MAX_THREADS]; /* those that sleep, then the busy ones */

static int where(void)
{
	int cpu = sched_getcpu();

	if (cpu < 0 || cpu >= topology.nr_cpus)
		die("sched_getcpu says %d", cpu);
	return cpu;
}

/* Is another thread busy on the caller's core, and some core without a busy thread? */
static bool shares_needlessly(const struct walker *mine, int cpu)
{
	bool shares = false, taken[MAX_CPUS] = { false };
	int i, other, nr_taken = 0;

	for (i = 0; i < threads + busy; i++) {
		other = atomic_load(&walker[i].busy_on) - 1;
		if (other < 0)
			continue;
		if (&walker[i] != mine && topology.core[other] == topology.core[cpu])
			shares = true;
		nr_taken += !taken[topology.core[other]];
		taken[topology.core[other]] = true;
	}
	return shares && nr_taken < topology.nr_cores;
}

/* Uses CPU time, and says where, as it may be moved meanwhile. */
static void be_busy(struct walker *mine, uint64_t ns)
{
	uint64_t step;

	for (; ns; ns -= step) {
		step = ns < STEP_NS ? ns : STEP_NS;
		atomic_store(&mine->busy_on, where() + 1);
		burn(step);
	}
}

static void one_burst(struct walker *mine, int *last)
{
	int cpu = where();

	atomic_store(&mine->busy_on, cpu + 1);
	mine->bursts++;
	mine->on[cpu]++;
	mine->shared += shares_needlessly(mine, cpu);
	if (*last >= 0) {
		mine->moved += cpu != *last;
		mine->llc += topology.llc[cpu] != topology.llc[*last];
	}
	be_busy(mine, (uint64_t)burst_us * NS_PER_US);
	*last = where();
	atomic_store(&mine->busy_on, 0);
}

static void *stay(void *arg)
{
	gate_wait();
	for (;;)
		be_busy(arg, STEP_NS);
	return NULL;
}

static void *walk(void *arg)
{
	struct walker *mine = arg;
	uint64_t due = gate_wait(), end = due + (uint64_t)seconds * NS_PER_S;
	int last = -1;

	for (;;) {
		due = now_ns() + (uint64_t)sleep_us * NS_PER_US;
		if (due > end)
			break;
		sleep_until(due);
		samples_add(&mine->late, (now_ns() - due) / NS_PER_US);
		one_burst(mine, &last);
	}
	finish_one();
	return NULL;
}

/* The last of the sums are what all threads did together. */
static void sum_up(struct walker *sum)
{
	int i, cpu;

	for (i = 0; i < threads; i++) {
		sum->bursts += walker[i].bursts;
		sum->moved += walker[i].moved;
		sum->llc += walker[i].llc;
		sum->shared += walker[i].shared;
		for (cpu = 0; cpu < topology.nr_cpus; cpu++)
			sum->on[cpu] += walker[i].on[cpu];
		samples_append(&sum->late, &walker[i].late);
	}
	if (!sum->bursts)
		die("place: nobody ran");
}

static void print_places(struct walker *sum)
{
	int cpu;
	char number[12];

	put("threads", threads);
	put("cpus", topology.nr_cpus);
	put("cores", topology.nr_cores);
	put("llcs", topology.nr_llcs);
	put("bursts", sum->bursts);
	for (cpu = 0; cpu < topology.nr_cpus; cpu++) {
		snprintf(number, sizeof(number), "%d", cpu);
		put_of("cpu", number, sum->on[cpu] * 1000 / sum->bursts);
	}
	put("moved_permille", sum->moved * 1000 / sum->bursts);
	put("llc_permille", sum->llc * 1000 / sum->bursts);
	put("shared_permille", sum->shared * 1000 / sum->bursts);
	put("late_p10_us", (int64_t)samples_quantile(&sum->late, 100));
	put("late_p50_us", (int64_t)samples_quantile(&sum->late, 500));
	put("late_p90_us", (int64_t)samples_quantile(&sum->late, 900));
}

int measure_place(int argc, char **argv)
{
	static struct walker sum;
	size_t cap;
	int i;

	if (settings_parse(settings, argc, argv))
		die("place: expected only KEY=VALUE");
	topology_read(&topology);
	cap = (size_t)(seconds * 1000000 / sleep_us + 2);
	samples_init(&sum.late, cap * (size_t)threads);
	for (i = 0; i < busy; i++)
		thread_start(stay, &walker[threads + i], "busy", 0);
	for (i = 0; i < threads; i++) {
		samples_init(&walker[i].late, cap);
		thread_start(walk, &walker[i], name, 0);
	}
	gate_open((int)(threads + busy));
	finish_wait((int)threads);
	sum_up(&sum);
	print_places(&sum);
	return 0;
}
