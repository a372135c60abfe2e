// SPDX-License-Identifier: GPL-2.0-only
/*
 * basic.c - schtest self_test, fairness: do tasks get CPU time, and like tasks as much?
 */
#define _GNU_SOURCE
#include "schtest.h"

#include <math.h>

static void spin(void *unused)
{
	(void)unused;
	task_is_up();
	for (;;)
		__asm__ volatile("");
}

/* Sleeps, and notes how much CPU time the tasks 0..nr-1 used meanwhile. */
static void count_cpu_time(struct samples *used, int nr, uint64_t length_ns)
{
	uint64_t before[MAX_TASKS];
	int i;

	for (i = 0; i < nr; i++)
		before[i] = task_cpu_ns(i);
	sleep_until(now_ns() + length_ns);
	for (i = 0; i < nr; i++)
		samples_add(used, task_cpu_ns(i) - before[i]);
}

/*
 * self_test: one process that spins, alone on the machine; the share of a CPU that it got. schtest
 * only sees that its frame works. Here: that a process is started, put into its cgroup, and can
 * be measured, so half a CPU is asked for.
 */
static double self_test(uint64_t length_ns, int variant)
{
	struct samples used;
	double share;

	(void)variant;
	samples_init(&used, 1);
	task_start(spin, NULL, NULL);
	tasks_wait_up(1);
	count_cpu_time(&used, 1, length_ns);
	share = (double)samples_mean(&used) / (double)length_ns;
	samples_free(&used);
	return share;
}

/*
 * fairness: a spinner that is bound to it on each CPU, and as many that may run anywhere. The CPU
 * time of who is at the tenth percentile from below (of ten and less: the least), by the mean.
 * At least 0.60: a task that starves has 0, one that shares its CPU with two others 0.67.
 */
static double fairness(uint64_t length_ns, int variant)
{
	struct samples used;
	cpu_set_t cpu_set;
	double mean, p10;
	int cpu, nr = 2 * topology.nr_cpus;

	(void)variant;
	samples_init(&used, (size_t)nr);
	for (cpu = 0; cpu < topology.nr_cpus; cpu++) {
		CPU_ZERO(&cpu_set);
		CPU_SET(cpu, &cpu_set);
		task_start(spin, NULL, &cpu_set);
	}
	for (cpu = 0; cpu < topology.nr_cpus; cpu++)
		task_start(spin, NULL, NULL);
	tasks_wait_up(nr);
	count_cpu_time(&used, nr, length_ns);
	mean = (double)samples_mean(&used);
	p10 = (double)samples_quantile(&used, 100);
	samples_free(&used);
	return mean > 0 ? p10 / mean : NAN;
}

const struct test self_tests[] = {
	{ "self_test", "CPU time of a lone spinner by the time it had", NULL, self_test,
	  .bound = 0.50, .min_s = 1, .max_s = 1 },
	{ 0 },
};

const struct test fairness_tests[] = {
	{ "fairness", "CPU time at the 10th percentile of spinners by their mean", NULL, fairness,
	  .bound = 0.60, .min_s = 5, .max_s = 10 },
	{ 0 },
};
