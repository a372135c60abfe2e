// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency.c - how late are sleeping threads woken while others hog the CPUs?
 *
 *   measure latency [KEY=VALUE]...
 *
 * Each sleeper sleeps to a time that it chose, notes how late it runs, and uses a little CPU time.
 * The hogs are threads of another process. Prints: sleepers, hogs, wakeups, p50_us, p99_us,
 * max_us, mean_us, stddev_us.
 */
#include <math.h>
#include <stdlib.h>

#include "measure.h"

enum { MAX_SLEEPERS = 64 };

static long seconds = 10, settle_ms = 1000, hogs = 8, hog_nice, sleepers = 2, nice_value;
static long sleep_us = 5000, burst_us = 200;
static const char *name = "sleeper", *hog_name = "hog";

static const struct setting settings[] = {
	{ "seconds", .number = &seconds, 1, 600, .help = "how long wakeups are counted" },
	{ "settle_ms", .number = &settle_ms, 0, 60000, .help = "before that" },
	{ "hogs", .number = &hogs, 0, 256, .help = "threads that only spin" },
	{ "hog_nice", .number = &hog_nice, -20, 19, .help = "their nice value" },
	{ "hog_name", .text = &hog_name, .help = "and name" },
	{ "sleepers", .number = &sleepers, 1, MAX_SLEEPERS, .help = "threads that sleep" },
	{ "nice", .number = &nice_value, -20, 19, .help = "their nice value" },
	{ "name", .text = &name, .help = "and name" },
	{ "sleep_us", .number = &sleep_us, 100, 1000000, .help = "how long they sleep" },
	{ "burst_us", .number = &burst_us, 0, 1000000, .help = "CPU time they use then" },
	{ 0 },
};

static struct samples late[MAX_SLEEPERS];
static _Atomic uint64_t begin_ns = UINT64_MAX, end_ns = UINT64_MAX;

static void *sleeper(void *arg)
{
	struct samples *mine = arg;
	uint64_t due, woken;

	gate_wait();
	for (;;) {
		due = now_ns() + (uint64_t)sleep_us * NS_PER_US;
		if (due > end_ns)
			break;
		sleep_until(due);
		woken = now_ns();
		if (due >= begin_ns && !samples_add(mine, (woken - due) / NS_PER_US))
			die("latency: more wakeups than there is time for");
		burn((uint64_t)burst_us * NS_PER_US);
	}
	finish_one();
	return NULL;
}

static void print_latency(struct samples *all)
{
	double mean = (double)samples_mean(all), squares = 0;
	size_t i;

	if (!all->n)
		die("latency: nobody was woken");
	for (i = 0; i < all->n; i++)
		squares += ((double)all->value[i] - mean) * ((double)all->value[i] - mean);
	put("sleepers", sleepers);
	put("hogs", hogs);
	put("wakeups", (int64_t)all->n);
	put("p50_us", (int64_t)samples_quantile(all, 500));
	put("p99_us", (int64_t)samples_quantile(all, 990));
	put("max_us", (int64_t)samples_quantile(all, 1000));
	put("mean_us", (int64_t)mean);
	put("stddev_us", llround(sqrt(squares / (double)all->n)));
}

int measure_latency(int argc, char **argv)
{
	struct samples all;
	struct crowd crowd;
	uint64_t start;
	size_t cap;
	int i;

	if (settings_parse(settings, argc, argv))
		die("latency: expected only KEY=VALUE");
	cap = (size_t)(seconds * 1000000 / sleep_us + 2);
	samples_init(&all, cap * (size_t)sleepers);
	crowd_start(&crowd, (int)hogs, hog_name, (int)hog_nice, NULL);
	for (i = 0; i < sleepers; i++) {
		samples_init(&late[i], cap);
		thread_start(sleeper, &late[i], name, (int)nice_value);
	}
	crowd_settle(0);
	start = gate_open((int)sleepers);
	begin_ns = start + (uint64_t)settle_ms * NS_PER_MS;
	end_ns = begin_ns + (uint64_t)seconds * NS_PER_S;
	finish_wait((int)sleepers);
	for (i = 0; i < sleepers; i++)
		samples_append(&all, &late[i]);
	crowd_stop(&crowd);
	print_latency(&all);
	return 0;
}
