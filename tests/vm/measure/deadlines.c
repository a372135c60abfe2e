// SPDX-License-Identifier: GPL-2.0-only
/*
 * deadlines.c - do periodic tasks get their work done before the next period begins?
 *
 *   measure deadlines [seconds=10] [hogs=0] NAME:THREADS:PERIOD_MS:COST_US...
 *
 * A task's job k is released at k * period, needs COST_US of CPU time, and is missed if it is
 * not done at the next release. All tasks have their first release together, which is the
 * worst case. A job that has not begun when its deadline passes is dropped, as missed: a task
 * does not carry its backlog along. Prints: tasks, utilisation_permille (of all CPUs), jobs,
 * misses, misses_permille; jobs_NAME and misses_NAME of each kind.
 */
#include <unistd.h>

#include "measure.h"

enum { MAX_KINDS = 8, MAX_TASKS = 64 };

static long seconds = 10, hogs;

static const struct setting settings[] = {
	{ "seconds", .number = &seconds, 1, 600, .help = "how long jobs are released" },
	{ "hogs", .number = &hogs, 0, 256, .help = "spinners beside them" },
	{ 0 },
};

enum { THREADS, PERIOD_MS, COST_US, NR_SPECS };

static struct kind {
	const char *name;
	long spec[NR_SPECS];
} kind[MAX_KINDS];

static struct task {
	const struct kind *kind;
	int64_t jobs, misses;
} task[MAX_TASKS];

static void *run_task(void *arg)
{
	struct task *mine = arg;
	uint64_t period = (uint64_t)mine->kind->spec[PERIOD_MS] * NS_PER_MS;
	uint64_t cost = (uint64_t)mine->kind->spec[COST_US] * NS_PER_US;
	uint64_t release = gate_wait() + 100 * NS_PER_MS, end = release;

	end += (uint64_t)seconds * NS_PER_S;
	for (; release + period <= end; release += period) {
		sleep_until(release);
		mine->jobs++;
		if (now_ns() < release + period)
			burn(cost);
		if (now_ns() > release + period)
			mine->misses++;
	}
	finish_one();
	return NULL;
}

static int start_tasks(int nr_kinds, double *utilisation)
{
	int nr = 0, k;
	long i;

	for (k = 0; k < nr_kinds; k++) {
		for (i = 0; i < kind[k].spec[THREADS]; i++) {
			if (nr == MAX_TASKS)
				die("deadlines: more than %d tasks", MAX_TASKS);
			task[nr].kind = &kind[k];
			thread_start(run_task, &task[nr], kind[k].name, 0);
			*utilisation += (double)kind[k].spec[COST_US] /
					(double)kind[k].spec[PERIOD_MS] / 1000;
			nr++;
		}
	}
	return nr;
}

static void print_kinds(int nr_kinds, int nr_tasks)
{
	int64_t jobs, misses;
	int k, i;

	for (k = 0; k < nr_kinds; k++) {
		jobs = misses = 0;
		for (i = 0; i < nr_tasks; i++) {
			jobs += task[i].kind == &kind[k] ? task[i].jobs : 0;
			misses += task[i].kind == &kind[k] ? task[i].misses : 0;
		}
		put_of("jobs", kind[k].name, jobs);
		put_of("misses", kind[k].name, misses);
	}
}

int measure_deadlines(int argc, char **argv)
{
	int nr_kinds = settings_parse(settings, argc, argv), nr_tasks, i;
	int64_t jobs = 0, misses = 0;
	double utilisation = 0;
	struct crowd crowd;

	if (nr_kinds < 1 || nr_kinds > MAX_KINDS)
		die("deadlines: expected 1..%d kinds of tasks", MAX_KINDS);
	for (i = 0; i < nr_kinds; i++)
		kind[i].name = settings_item(argv[i], kind[i].spec, NR_SPECS, 10000000);
	crowd_start(&crowd, (int)hogs, "hog", 0, NULL);
	crowd_settle(0);
	nr_tasks = start_tasks(nr_kinds, &utilisation);
	gate_open(nr_tasks);
	finish_wait(nr_tasks);
	crowd_stop(&crowd);
	for (i = 0; i < nr_tasks; i++) {
		jobs += task[i].jobs;
		misses += task[i].misses;
	}
	if (!jobs)
		die("deadlines: no period is over within %ld s", seconds);
	put("tasks", nr_tasks);
	put("utilisation_permille",
	    (int64_t)(utilisation * 1000 / (double)sysconf(_SC_NPROCESSORS_ONLN) + 0.5));
	put("jobs", jobs);
	put("misses", misses);
	put("misses_permille", misses * 1000 / jobs);
	print_kinds(nr_kinds, nr_tasks);
	return 0;
}
