// SPDX-License-Identifier: GPL-2.0-only
/* work.c - clocks, CPU time spent on purpose, threads, and the gate that they start from. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

enum { STACK_BYTES = 64 << 10, SPIN = 400 };

static atomic_int gate_round; /* times it was opened */
static atomic_int nr_waiting; /* threads at the gate, and those that were there before */
static atomic_int nr_passed;  /* threads that earlier openings let through */
static atomic_int nr_finished;
static uint64_t opened_ns;

struct start {
	void *(*run)(void *);
	void *arg;
	char name[16];
	int nice;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		die("clock_gettime: %s", strerror(errno));
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* CPU time, not a calibrated loop: the speed of an emulated CPU changes from second to second. */
void burn(uint64_t ns)
{
	uint64_t end = cpu_ns() + ns;

	do
		for (int i = 0; i < SPIN; i++)
			__asm__ volatile("" ::: "memory");
	while (cpu_ns() < end);
}

void sleep_until(uint64_t when_ns)
{
	struct timespec ts = { .tv_sec = (time_t)(when_ns / NS_PER_S),
			       .tv_nsec = (long)(when_ns % NS_PER_S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void *started(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	prctl(PR_SET_NAME, start.name);
	prctl(PR_SET_TIMERSLACK, 1ul);		      /* or every sleep would be 50 us too long */
	if (setpriority(PRIO_PROCESS, 0, start.nice)) /* in Linux, of the thread */
		die("nice %d: %s", start.nice, strerror(errno));
	return start.run(start.arg);
}

void thread_start(void *(*run)(void *), void *arg, const char *name, int nice)
{
	struct start *start = malloc(sizeof(*start));
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (!start)
		die("no memory for a thread");
	*start = (struct start){ .run = run, .arg = arg, .nice = nice };
	strncpy(start->name, name, sizeof(start->name) - 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES); /* all memory is locked */
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, started, start);
	pthread_attr_destroy(&attr);
	if (err)
		die("cannot start a thread: %s", strerror(err));
}

static void futex_wait(atomic_int *word, int value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake_all(atomic_int *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

uint64_t gate_wait(void)
{
	int seen = atomic_load(&gate_round);

	atomic_fetch_add(&nr_waiting, 1);
	futex_wake_all(&nr_waiting);
	while (atomic_load(&gate_round) == seen)
		futex_wait(&gate_round, seen);
	return opened_ns;
}

/* Waits for *word to reach at least nr. */
static void wait_for(atomic_int *word, int nr)
{
	int value;

	while ((value = atomic_load(word)) < nr)
		futex_wait(word, value);
}

/*
 * A thread may be counted a moment before it sleeps on the futex: sleep a little, so that all
 * are woken by one call, in the order in which they came.
 */
uint64_t gate_open(int nr)
{
	wait_for(&nr_waiting, atomic_load(&nr_passed) + nr);
	atomic_fetch_add(&nr_passed, nr);
	sleep_until(now_ns() + 20 * NS_PER_MS);
	opened_ns = now_ns();
	atomic_fetch_add(&gate_round, 1);
	futex_wake_all(&gate_round);
	return opened_ns;
}

void finish_one(void)
{
	atomic_fetch_add(&nr_finished, 1);
	futex_wake_all(&nr_finished);
}

void finish_wait(int nr)
{
	wait_for(&nr_finished, nr);
}
