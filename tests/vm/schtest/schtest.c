// SPDX-License-Identifier: GPL-2.0-only
/*
 * schtest.c - does the scheduler of this machine do what the sched_ext project's schtest asks?
 *
 *   schtest list
 *   schtest [-g CGROUP2] TEST[=BOUND]...
 *
 * The tests have schtest's names, loads, bounds and times (github.com/sched-ext/schtest). What is
 * measured in another way says so where it is defined. BOUND replaces a test's own: of a test
 * that has none, or to compare with another scheduler. -g: where cgroup2 is mounted
 * (/sys/fs/cgroup).
 *
 * Prints TAP, in each line the last figure and the bound: "ok 1 - fairness 0.913 at least 0.600
 * (...)". Exit status 0, 1 (a test failed, or could not be run), 2 (usage). Needs root: it is a
 * real-time task, which only waits and reads clocks, so that the scheduler under test does not
 * decide when a measurement begins and ends. All that is measured is a normal task.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schtest.h"

static const struct test *const tests[] = { self_tests, fairness_tests, latency_tests,
					    placement_tests, ping_pong_tests };

enum { NR_TABLES = sizeof(tests) / sizeof(tests[0]) };

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("schtest: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1);
}

static int usage(void)
{
	fputs("usage: schtest list | schtest [-g CGROUP2] TEST[=BOUND]...\n", stderr);
	return 2;
}

static int list(void)
{
	const struct test *t;
	int i;

	for (i = 0; i < NR_TABLES; i++)
		for (t = tests[i]; t->name; t++)
			puts(t->name);
	return 0;
}

/* The test that NAME or NAME=BOUND asks for, with the bound that it is to have. */
static bool find(const char *word, struct test *found)
{
	size_t len = strcspn(word, "=");
	const struct test *t;
	char *end;
	int i;

	for (i = 0; i < NR_TABLES; i++) {
		for (t = tests[i]; t->name; t++) {
			if (strlen(t->name) != len || strncmp(t->name, word, len))
				continue;
			*found = *t;
			if (!word[len])
				return true;
			found->bound = strtod(word + len + 1, &end);
			return word[len + 1] && !*end;
		}
	}
	return false;
}

static void become_realtime(void)
{
	struct sched_param param = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		die("cannot become a real-time task: %s", strerror(errno));
}

/* The figure of the round that decided. */
static double measure(const struct test *t)
{
	double figure = NAN;
	int length_s;

	for (length_s = t->min_s; length_s <= t->max_s; length_s *= 2) {
		figure = t->round((uint64_t)length_s * NS_PER_S, t->variant);
		tasks_end();
		if (isnan(t->bound) || isnan(figure) || figure >= t->bound)
			break;
	}
	return figure;
}

/* Prints the test's line; returns whether it passed. */
static bool run(const struct test *t, int number)
{
	const char *missing = t->missing ? t->missing(t->variant) : NULL;
	double figure;
	bool passed;

	if (missing) {
		printf("ok %d - %s # SKIP %s\n", number, t->name, missing);
		return true;
	}
	figure = measure(t);
	passed = !isnan(figure) &&
		 (isnan(t->bound) || (t->is_below ? figure < t->bound : figure >= t->bound));
	printf("%s %d - %s ", passed ? "ok" : "not ok", number, t->name);
	if (isnan(figure))
		printf("measured too little (%s)\n", t->figure);
	else if (isnan(t->bound))
		printf("%.3f (%s)\n", figure, t->figure);
	else
		printf("%.3f %s %.3f (%s)\n", figure, t->is_below ? "below" : "at least", t->bound,
		       t->figure);
	fflush(stdout);
	return passed;
}

int main(int argc, char **argv)
{
	const char *cgroup_root = "/sys/fs/cgroup";
	int opt, i, nr_failed = 0;
	struct test t;

	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	while ((opt = getopt(argc, argv, "g:")) != -1) {
		if (opt != 'g')
			return usage();
		cgroup_root = optarg;
	}
	for (i = optind; i < argc; i++)
		if (!find(argv[i], &t))
			return usage();
	if (optind == argc)
		return usage();
	topology_read(&topology);
	become_realtime();
	tasks_init(cgroup_root);
	for (i = optind; i < argc; i++) {
		find(argv[i], &t);
		nr_failed += !run(&t, i - optind + 1);
	}
	printf("1..%d\n", argc - optind);
	return nr_failed > 0;
}
