// SPDX-License-Identifier: GPL-2.0-only
/*
 * canary.c - how late does the scheduler wake threads that sleep 10 ms?
 *
 *   canary NR_THREADS
 *
 * Each thread sleeps to an absolute time, 10 ms further each round, and notes how late it was.
 * On SIGUSR1 prints the worst lateness since the last time in milliseconds, on SIGTERM prints
 * it and ends. A thread that is late right now counts with what it is late so far, so that one
 * that never runs again is seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { PERIOD_NS = 10000000, MAX_THREADS = 64 };

static struct canary {
	_Atomic uint64_t due_ns;
	_Atomic uint64_t worst_ns;
} canary[MAX_THREADS];

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void note(struct canary *c, uint64_t now)
{
	uint64_t due = c->due_ns, late = now > due ? now - due : 0;

	if (late > c->worst_ns)
		c->worst_ns = late;
}

static void *run(void *arg)
{
	struct canary *c = arg;

	for (;;) {
		uint64_t due = now_ns() + PERIOD_NS;
		struct timespec ts = { .tv_sec = (time_t)(due / 1000000000),
				       .tv_nsec = (long)(due % 1000000000) };

		c->due_ns = due;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
		note(c, now_ns());
	}
	return NULL;
}

static void report(int nr)
{
	uint64_t worst = 0;
	int i;

	for (i = 0; i < nr; i++) {
		note(&canary[i], now_ns());
		if (canary[i].worst_ns > worst)
			worst = canary[i].worst_ns;
		canary[i].worst_ns = 0;
	}
	printf("%llu\n", (unsigned long long)worst / 1000000);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 4, i, sig;
	sigset_t set;
	pthread_t thread;

	if (nr < 1 || nr > MAX_THREADS) {
		fprintf(stderr, "canary: expected 1..%d threads\n", MAX_THREADS);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	for (i = 0; i < nr; i++) {
		canary[i].due_ns = now_ns() + PERIOD_NS;
		if (pthread_create(&thread, NULL, run, &canary[i])) {
			perror("canary: pthread_create");
			return 1;
		}
	}
	while (!sigwait(&set, &sig)) {
		report(nr);
		if (sig == SIGTERM)
			return 0;
	}
	return 1;
}
