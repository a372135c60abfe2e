// SPDX-License-Identifier: GPL-2.0-only
/*
 * order.c - do threads run in the order in which they were woken?
 *
 *   measure order [rounds=40] [threads=12] [hogs=4] [gap_us=300] [burst_us=500]
 *
 * While hogs keep the CPUs busy, the main thread wakes sleeping threads one by one, in another order
 * each round. Each takes the next number of the round as soon as it runs. Of the pairs of threads
 * of a round, those count as inverted that ran in the other order than they were woken in, and not
 * next to each other: two CPUs may take two threads at the same moment. Prints: rounds, pairs
 * (with those next to each other left out), inverted, inverted_permille.
 */
#include <errno.h>
#include <semaphore.h>
#include <string.h>

#include "measure.h"

enum { MAX_THREADS = 64 };

static long rounds = 40, threads = 12, hogs = 4, gap_us = 300, burst_us = 500;

static const struct setting settings[] = {
	{ "rounds", .number = &rounds, 1, 1000, .help = "how often all are woken" },
	{ "threads", .number = &threads, 3, MAX_THREADS, .help = "threads that are woken" },
	{ "hogs", .number = &hogs, 0, 256, .help = "spinners beside them" },
	{ "gap_us", .number = &gap_us, 1, 1000000, .help = "between two wakeups" },
	{ "burst_us", .number = &burst_us, 0, 1000000, .help = "CPU time they use then" },
	{ 0 },
};

static struct runner {
	sem_t go;
	int turn; /* the how many-th of its round it was */
} runner[MAX_THREADS];

static atomic_int next_turn;

static void *run(void *arg)
{
	struct runner *mine = arg;

	gate_wait();
	for (;;) {
		while (sem_wait(&mine->go) && errno == EINTR)
			;
		mine->turn = atomic_fetch_add(&next_turn, 1);
		burn((uint64_t)burst_us * NS_PER_US);
		finish_one();
	}
	return NULL;
}

/* The order of a round: a Fisher-Yates shuffle by a small generator, the same on every machine. */
static void shuffle(int *order, uint32_t *seed)
{
	int i, j, swap;

	for (i = (int)threads - 1; i > 0; i--) {
		*seed = *seed * 1664525u + 1013904223u;
		j = (int)((*seed >> 8) % (unsigned int)(i + 1));
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
}

static void wake_in(const int *order)
{
	int i;

	atomic_store(&next_turn, 0);
	for (i = 0; i < threads; i++) {
		sem_post(&runner[order[i]].go);
		sleep_until(now_ns() + (uint64_t)gap_us * NS_PER_US);
	}
}

static void count_pairs(const int *order, int64_t *pairs, int64_t *inverted)
{
	int i, j, ahead;

	for (i = 0; i < threads; i++) {
		for (j = i + 1; j < threads; j++) {
			ahead = runner[order[i]].turn - runner[order[j]].turn;
			if (j == i + 1 && (ahead == 1 || ahead == -1))
				continue;
			++*pairs;
			*inverted += ahead > 0;
		}
	}
}

int measure_order(int argc, char **argv)
{
	int64_t pairs = 0, inverted = 0;
	int order[MAX_THREADS], i;
	uint32_t seed = 1;
	struct crowd crowd;

	if (settings_parse(settings, argc, argv))
		die("order: expected only KEY=VALUE");
	for (i = 0; i < threads; i++) {
		order[i] = i;
		if (sem_init(&runner[i].go, 0, 0))
			die("sem_init: %s", strerror(errno));
		thread_start(run, &runner[i], "runner", 0);
	}
	gate_open((int)threads);
	crowd_start(&crowd, (int)hogs, "hog", 0, NULL);
	crowd_settle(200);
	for (i = 0; i < rounds; i++) {
		shuffle(order, &seed);
		wake_in(order);
		finish_wait((int)threads * (i + 1));
		count_pairs(order, &pairs, &inverted);
		sleep_until(now_ns() + 20 * NS_PER_MS); /* they are asleep again */
	}
	crowd_stop(&crowd);
	if (!pairs)
		die("order: no pairs");
	put("rounds", rounds);
	put("pairs", pairs);
	put("inverted", inverted);
	put("inverted_permille", inverted * 1000 / pairs);
	return 0;
}
