/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * schtest.h - what the parts of build/schtest share. See schtest.c for what the program is.
 *
 * Clocks, threads, quantiles and the topology are those of build/measure (measure.h). As there,
 * whoever finds a failure that makes the measurement void calls die().
 */
#ifndef SCXLUA_SCHTEST_H
#define SCXLUA_SCHTEST_H

#include <sched.h>

#include "measure.h"

struct test {
	const char *name, *figure; /* figure: what is measured, with its unit */
	/* Why this machine cannot run the test; NULL: it can. Without a function it always can. */
	const char *(*missing)(int variant);
	/* Starts tasks, measures for about that long, ends them; NAN: too little to go by. */
	double (*round)(uint64_t length_ns, int variant);
	int variant;
	/*
	 * Rounds of min_s, 2 * min_s and so on up to max_s, until one reaches the bound: that one
	 * passes, or, if the figure is to stay below the bound, fails. NAN: any figure passes.
	 */
	double bound;
	bool is_below;
	int min_s, max_s;
};

extern const struct test self_tests[], fairness_tests[], latency_tests[], placement_tests[],
	ping_pong_tests[]; /* each ends with a row without a name */

/* The machine, read once. */
extern struct topology topology;
int first_cpu_of(const int *group, int number); /* of topology.core or .llc */
cpu_set_t cpus_of(const int *group, int number);
cpu_set_t cpus_of_node(int node);
cpu_set_t all_cpus(void);

/* ---- tasks.c: processes, each in a cgroup of its own, in memory that they share ---- */

enum { MAX_TASKS = 2 * MAX_CPUS };

void tasks_init(const char *cgroup_root); /* where cgroup2 is mounted */
/* Zeroed memory that processes started later have in common; it lives until the program ends. */
void *shared_alloc(size_t bytes);
/* Starts run(arg) in a process on these CPUs (NULL: all); returns its number, 0, 1, ... */
int task_start(void (*run)(void *arg), void *arg, const cpu_set_t *cpus);
/* What each thread that counts calls when it has a CPU for the first time. */
void task_is_up(void);
void tasks_wait_up(int nr); /* until so many threads, since the last tasks_end(), have called it */
void task_allow(int task, const cpu_set_t *cpus);
uint64_t task_cpu_ns(int task); /* CPU time so far, of all its threads */
void tasks_end(void);		/* kills all, waits for them, removes their cgroups */

/* ---- flag.c: one thread waits for what another one says, and for how long too long ---- */

struct flag;

struct flag *flag_new(void);	  /* in shared memory */
void flag_raise(struct flag *f);  /* one thread calls this, and not again until ... */
void flag_wait(struct flag *f);	  /* ... another one has returned from here */
void flag_reset(struct flag *f);  /* before its threads are started: down, nothing measured */
void flag_forget(struct flag *f); /* the latencies so far */
/*
 * Adds the latencies, from the raise to the return from the wait, in ns. schtest leaves out waits
 * that did not sleep; where a woken thread preempts its waker on the only CPU, none would be left.
 */
void flag_latencies(const struct flag *f, struct samples *to);

enum { FLAG_LATENCIES = 1 << 16 }; /* the last ones of a flag are kept */

#endif
