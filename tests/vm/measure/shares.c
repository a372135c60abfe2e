// SPDX-License-Identifier: GPL-2.0-only
/*
 * shares.c - how is CPU time shared between crowds of spinners?
 *
 *   measure shares [seconds=20] [settle_ms=2000] GROUP...
 *
 * GROUP is nice:NICE:THREADS, expected to get CPU time in the ratio of the kernel's weights of
 * the nice values, each thread its own; or cgroup:PATH:WEIGHT:THREADS, a crowd in the cgroup
 * PATH, expected to get WEIGHT whatever the number of its threads. No thread can use more than
 * one CPU: the caller chooses groups of which none is owed more.
 *
 * Prints: groups, threads, used_permille (of all CPUs, by the groups together); share_N (permille
 * of what the groups got) and off_N (permille that this is off what was expected) of each group,
 * and worst_off, the largest of those.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

enum { MAX_GROUPS = 16, MAX_THREADS = 256 };

/* kernel/sched/core.c, sched_prio_to_weight: 1.25 times the weight for each step of nice. */
static const int nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
	1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
	110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

static struct group {
	struct crowd crowd;
	double weight; /* what the whole group is owed, on a scale of the groups' own */
	uint64_t before_ns, used_ns;
} group[MAX_GROUPS];

static long seconds = 20, settle_ms = 2000;

static const struct setting settings[] = {
	{ "seconds", .number = &seconds, 1, 600, .help = "how long CPU time is counted" },
	{ "settle_ms", .number = &settle_ms, 0, 60000, .help = "before that" },
	{ 0 },
};

/* The number that begins at **text, which is moved to what follows its end and a colon. */
static int field(char **text, int min, int max)
{
	char *end;
	long value = strtol(*text, &end, 10);

	if (end == *text || (*end && *end != ':') || value < min || value > max)
		die("'%s': expected a number %d..%d", *text, min, max);
	*text = *end ? end + 1 : end;
	return (int)value;
}

static void start_nice(struct group *g, char *text, const char *name)
{
	int nice = field(&text, -20, 19);
	int threads = field(&text, 1, MAX_THREADS);

	g->weight = (double)nice_weight[nice + 20] * threads;
	crowd_start(&g->crowd, threads, name, nice, NULL);
}

static void start_cgroup(struct group *g, char *path, const char *name)
{
	char *text = strchr(path, ':');
	int threads;

	if (!text)
		die("'%s': expected cgroup:PATH:WEIGHT:THREADS", path);
	*text++ = '\0';
	g->weight = field(&text, 1, 10000);
	threads = field(&text, 1, MAX_THREADS);
	crowd_start(&g->crowd, threads, name, 0, path);
}

static void start_group(struct group *g, char *text, int index)
{
	char name[16];

	snprintf(name, sizeof(name), "group%d", index);
	if (!strncmp(text, "nice:", 5))
		start_nice(g, text + 5, name);
	else if (!strncmp(text, "cgroup:", 7))
		start_cgroup(g, text + 7, name);
	else
		die("'%s': expected nice:NICE:THREADS or cgroup:PATH:WEIGHT:THREADS", text);
}

/* All clocks at once, as nearly as can be: nothing between two reads but the read. */
static void count_cpu_time(int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		group[i].before_ns = crowd_cpu_ns(&group[i].crowd);
	sleep_until(now_ns() + (uint64_t)seconds * NS_PER_S);
	for (i = 0; i < nr; i++)
		group[i].used_ns = crowd_cpu_ns(&group[i].crowd) - group[i].before_ns;
}

static void print_shares(int nr, double used, double weight)
{
	int64_t off, worst = 0;
	char number[12];
	int i;

	for (i = 0; i < nr; i++) {
		double share = (double)group[i].used_ns / used;

		off = off_permille(share, group[i].weight / weight);
		worst = off > worst ? off : worst;
		snprintf(number, sizeof(number), "%d", i);
		put_of("share", number, (int64_t)(share * 1000 + 0.5));
		put_of("off", number, off);
	}
	put("worst_off", worst);
}

int measure_shares(int argc, char **argv)
{
	int nr = settings_parse(settings, argc, argv), threads = 0, i;
	double used = 0, weight = 0;

	if (nr < 2 || nr > MAX_GROUPS)
		die("shares: expected 2..%d groups, got %d", MAX_GROUPS, nr);
	for (i = 0; i < nr; i++)
		start_group(&group[i], argv[i], i);
	crowd_settle(settle_ms);
	count_cpu_time(nr);
	for (i = 0; i < nr; i++) {
		used += (double)group[i].used_ns;
		weight += group[i].weight;
		threads += group[i].crowd.nr_threads;
		crowd_stop(&group[i].crowd);
	}
	if (used <= 0)
		die("shares: nobody got any CPU time");
	put("groups", nr);
	put("threads", threads);
	put("used_permille", (int64_t)(used * 1000 / (double)seconds / NS_PER_S /
				       (double)sysconf(_SC_NPROCESSORS_ONLN)));
	print_shares(nr, used, weight);
	return 0;
}
