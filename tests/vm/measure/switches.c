// SPDX-License-Identifier: GPL-2.0-only
/*
 * switches.c - how often do threads that only spin lose their CPU?
 *
 *   measure switches [seconds=10] [settle_ms=1000] [spinners=4] [sleepers=0] [sleep_us=5000]
 *
 * The sleepers are threads beside them that sleep, wake up for 100 us, and sleep again.
 * Prints: spinners, used_permille (CPU time of the spinners, of all CPUs), switches
 * (involuntary context switches, all together), per_1000s (the same for each spinner in 1000
 * seconds of CPU time).
 */
#include <unistd.h>

#include "measure.h"

static long seconds = 10, settle_ms = 1000, spinners = 4, sleepers, sleep_us = 5000;

static const struct setting settings[] = {
	{ "seconds", .number = &seconds, 1, 600, .help = "how long switches are counted" },
	{ "settle_ms", .number = &settle_ms, 0, 60000, .help = "before that" },
	{ "spinners", .number = &spinners, 1, 256, .help = "threads that spin" },
	{ "sleepers", .number = &sleepers, 0, 64, .help = "threads that sleep" },
	{ "sleep_us", .number = &sleep_us, 100, 1000000, .help = "and how long" },
	{ 0 },
};

static void *doze(void *unused)
{
	(void)unused;
	for (;;) {
		sleep_until(now_ns() + (uint64_t)sleep_us * NS_PER_US);
		burn(100 * NS_PER_US);
	}
	return NULL;
}

int measure_switches(int argc, char **argv)
{
	struct crowd crowd;
	int64_t switches;
	uint64_t used;
	int i;

	if (settings_parse(settings, argc, argv))
		die("switches: expected only KEY=VALUE");
	crowd_start(&crowd, (int)spinners, "spinner", 0, NULL);
	for (i = 0; i < sleepers; i++)
		thread_start(doze, NULL, "sleeper", 0);
	crowd_settle(settle_ms);
	used = crowd_cpu_ns(&crowd);
	switches = crowd_switches(&crowd);
	sleep_until(now_ns() + (uint64_t)seconds * NS_PER_S);
	switches = crowd_switches(&crowd) - switches;
	used = crowd_cpu_ns(&crowd) - used;
	crowd_stop(&crowd);
	if (!used)
		die("switches: the spinners got no CPU time");
	put("spinners", spinners);
	put("used_permille", (int64_t)((double)used * 1000 / (double)seconds / NS_PER_S /
				       (double)sysconf(_SC_NPROCESSORS_ONLN)));
	put("switches", switches);
	put("per_1000s", (int64_t)((double)switches * 1000 * NS_PER_S / (double)used));
	return 0;
}
