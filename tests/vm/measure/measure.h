/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * measure.h - what the parts of build/measure share. See measure.c for what the program is.
 *
 * A failure anywhere makes the measurement void, so whoever finds one calls die(): these
 * functions return no errors. Children and threads end with the process.
 */
#ifndef SCXLUA_MEASURE_H
#define SCXLUA_MEASURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { NS_PER_US = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

/* Says what went wrong on stderr, after "measure: ", and exits with status 1. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints one pair of the result line. */
void put(const char *key, int64_t value);
void put_of(const char *key, const char *whose, int64_t value); /* KEY_WHOSE */

/* ---- settings.c: KEY=VALUE arguments; a table of them ends with a row without a key ---- */

struct setting {
	const char *key;
	long *number; /* where the value goes, with its default in it, min..max; or NULL and ... */
	long min, max;
	const char **text; /* ... this one */
	const char *help;
};

/* Sets what argv[0..argc-1] names; returns how many arguments without a '=', moved to the front. */
int settings_parse(const struct setting *table, int argc, char **argv);
/* One NAME:NUMBER[:NUMBER] argument, exactly nr numbers of 1..max; the name, 1..15 characters. */
const char *settings_item(char *item, long *number, int nr, long max);

/* ---- work.c: time, and threads that use it ---- */

uint64_t now_ns(void);	/* CLOCK_MONOTONIC */
uint64_t cpu_ns(void);	/* CPU time of the calling thread */
void burn(uint64_t ns); /* uses that much CPU time, whatever the clock on the wall says */
void sleep_until(uint64_t when_ns);
/* Starts a thread with a small stack, named and niced by itself before run() is called. */
void thread_start(void *(*run)(void *), void *arg, const char *name, int nice);
/* What each thread calls when it is ready: waits for the gate, returns when it was opened. */
uint64_t gate_wait(void);
/* Waits until nr threads are at the gate, and opens it; returns the time. Can be used again. */
uint64_t gate_open(int nr);
/* Says that one of the threads has finished; waits until nr have (both count from the start). */
void finish_one(void);
void finish_wait(int nr);

/* ---- crowd.c: processes whose threads only spin ---- */

struct crowd {
	pid_t pid; /* 0: no thread asked for, no process */
	int nr_threads;
};

/* nice -20..19; cgroup: a directory of cgroup2 to be in, or NULL. Returns at once. */
void crowd_start(struct crowd *crowd, int nr_threads, const char *name, int nice,
		 const char *cgroup);
/* Waits until all threads of all crowds have had a CPU, and settle_ms longer. */
void crowd_settle(long settle_ms);
uint64_t crowd_cpu_ns(const struct crowd *crowd);  /* CPU time so far, of all its threads */
int64_t crowd_switches(const struct crowd *crowd); /* their involuntary context switches */
void crowd_stop(struct crowd *crowd);

/* ---- topology.c: CPUs, cores and last-level caches from sysfs ---- */

enum { MAX_CPUS = 64 };

struct topology {
	int nr_cpus, nr_cores, nr_llcs;
	int core[MAX_CPUS], llc[MAX_CPUS]; /* dense numbers */
};

void topology_read(struct topology *t);

/* ---- samples.c: numbers and what is to be said of them ---- */

struct samples {
	uint64_t *value;
	size_t n, cap;
	bool is_sorted;
};

void samples_init(struct samples *s, size_t cap);    /* allocates all it will need */
bool samples_add(struct samples *s, uint64_t value); /* false: full, not taken */
void samples_append(struct samples *to, const struct samples *from);
/* The smallest value that at least permille/1000 of them do not exceed; 0 of none. */
uint64_t samples_quantile(struct samples *s, unsigned int permille);
uint64_t samples_mean(const struct samples *s);
void samples_free(struct samples *s);
/* How far got is from want, of want: permille, rounded, never negative; want > 0. */
int64_t off_permille(double got, double want);

/* ---- the measurements, each with the rest of the command line ---- */

int measure_shares(int argc, char **argv);
int measure_latency(int argc, char **argv);
int measure_deadlines(int argc, char **argv);
int measure_batch(int argc, char **argv);
int measure_place(int argc, char **argv);
int measure_switches(int argc, char **argv);
int measure_order(int argc, char **argv);

#endif
