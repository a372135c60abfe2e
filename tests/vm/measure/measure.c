// SPDX-License-Identifier: GPL-2.0-only
/*
 * measure.c - puts a known load on the machine and prints what the scheduler made of it.
 *
 *   measure WHAT [KEY=VALUE]... [ITEM]...
 *
 * Prints one line of "key value" pairs, all integers, to stdout. Exit status 0, 1 (something
 * failed, the line is not printed), 2 (usage). Needs root: memory is locked, and the main
 * thread, which only waits and reads clocks, is a real-time task, so that the scheduler under
 * test does not decide when a measurement begins and ends. Everything that is measured is a
 * normal task. On emulated CPUs a time means nothing by itself: compare two of one boot.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure.h"

static const struct measurement {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} measurements[] = {
	{ "shares", measure_shares, "CPU time of crowds of spinners" },
	{ "latency", measure_latency, "wake-up latency beside hogs" },
	{ "deadlines", measure_deadlines, "missed deadlines of periodic tasks" },
	{ "batch", measure_batch, "completion times of jobs that start together" },
	{ "place", measure_place, "on which CPUs short bursts run" },
	{ "switches", measure_switches, "involuntary context switches of spinners" },
	{ "order", measure_order, "in which order woken threads run" },
};

enum { NR_MEASUREMENTS = sizeof(measurements) / sizeof(measurements[0]) };

static int nr_put;

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("measure: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1); /* of any thread, or of a child: nothing that stdio holds is to be printed */
}

void put(const char *key, int64_t value)
{
	printf("%s%s %lld", nr_put++ ? " " : "", key, (long long)value);
}

void put_of(const char *key, const char *whose, int64_t value)
{
	printf("%s%s_%s %lld", nr_put++ ? " " : "", key, whose, (long long)value);
}

static int usage(void)
{
	int i;

	fputs("usage: measure WHAT [KEY=VALUE]... [ITEM]...\n", stderr);
	for (i = 0; i < NR_MEASUREMENTS; i++)
		fprintf(stderr, "  %-10s %s\n", measurements[i].name, measurements[i].help);
	return 2;
}

/* What it starts is normal again: the kernel resets class and nice value at fork and clone. */
static void become_realtime(void)
{
	struct sched_param param = { .sched_priority = 1 };

	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall: %s", strerror(errno));
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		die("cannot become a real-time task: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	int i, ret;

	for (i = 0; i < NR_MEASUREMENTS; i++)
		if (argc > 1 && !strcmp(argv[1], measurements[i].name))
			break;
	if (i == NR_MEASUREMENTS)
		return usage();
	become_realtime();
	ret = measurements[i].run(argc - 2, argv + 2);
	putchar('\n');
	if (fflush(stdout))
		die("cannot write the result: %s", strerror(errno));
	_exit(ret); /* its threads still run */
}
