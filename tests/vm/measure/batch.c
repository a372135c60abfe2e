// SPDX-License-Identifier: GPL-2.0-only
/*
 * batch.c - when are jobs of different length done that become runnable together?
 *
 *   measure batch [rounds=4] [learn=2] [pause_ms=200] NAME:THREADS:MS...
 *
 * Each thread is a job that uses MS milliseconds of CPU time per round. All jobs of a round are
 * let go at once; the next round begins pause_ms after the last has finished. The first `learn`
 * rounds are not counted: a policy that estimates jobs from their past sees them there.
 * Prints: jobs, rounds, mean_ms and p90_ms of the completion times since the start of their
 * round, mean_ms_NAME of each kind, and makespan_ms, the mean time to the last.
 */
#include <stdlib.h>

#include "measure.h"

enum { MAX_KINDS = 8, MAX_JOBS = 256 };

static long rounds = 4, learn = 2, pause_ms = 200;

static const struct setting settings[] = {
	{ "rounds", .number = &rounds, 1, 100, .help = "rounds that are counted" },
	{ "learn", .number = &learn, 0, 100, .help = "rounds before those" },
	{ "pause_ms", .number = &pause_ms, 1, 10000, .help = "between two rounds" },
	{ 0 },
};

static struct kind {
	const char *name;
	long spec[2]; /* threads, milliseconds of CPU time */
	struct samples done_us;
} kind[MAX_KINDS];

static struct job {
	const struct kind *kind;
	uint64_t done_ns; /* of this round; read by the main thread between rounds */
} job[MAX_JOBS];

static void *run_job(void *arg)
{
	struct job *mine = arg;

	for (;;) {
		gate_wait();
		burn((uint64_t)mine->kind->spec[1] * NS_PER_MS);
		mine->done_ns = now_ns();
		finish_one();
	}
	return NULL;
}

/* The kinds take turns, so that the order of arrival says nothing about the length. */
static int start_jobs(int nr_kinds)
{
	long left = 0, i;
	int nr = 0, k;

	for (k = 0; k < nr_kinds; k++)
		left = kind[k].spec[0] > left ? kind[k].spec[0] : left;
	for (i = 0; i < left; i++) {
		for (k = 0; k < nr_kinds; k++) {
			if (i >= kind[k].spec[0])
				continue;
			if (nr == MAX_JOBS)
				die("batch: more than %d jobs", MAX_JOBS);
			job[nr].kind = &kind[k];
			thread_start(run_job, &job[nr], kind[k].name, 0);
			nr++;
		}
	}
	return nr;
}

/* One round; its completion times, in microseconds, go to their kinds and to all. */
static uint64_t run_round(int nr_jobs, int round, struct samples *all)
{
	uint64_t start, took, last = 0;
	int i;

	start = gate_open(nr_jobs);
	finish_wait(nr_jobs * (round + 1));
	for (i = 0; i < nr_jobs && round >= learn; i++) {
		took = (job[i].done_ns - start) / NS_PER_US;
		last = took > last ? took : last;
		samples_add(all, took);
		samples_add(&kind[job[i].kind - kind].done_us, took);
	}
	sleep_until(now_ns() + (uint64_t)pause_ms * NS_PER_MS);
	return last;
}

int measure_batch(int argc, char **argv)
{
	int nr_kinds = settings_parse(settings, argc, argv), nr_jobs, i;
	struct samples all;
	uint64_t makespan = 0;

	if (nr_kinds < 1 || nr_kinds > MAX_KINDS)
		die("batch: expected 1..%d kinds of jobs", MAX_KINDS);
	for (i = 0; i < nr_kinds; i++) {
		kind[i].name = settings_item(argv[i], kind[i].spec, 2, 100000);
		samples_init(&kind[i].done_us, (size_t)(rounds * kind[i].spec[0]));
	}
	samples_init(&all, (size_t)rounds * MAX_JOBS);
	nr_jobs = start_jobs(nr_kinds);
	for (i = 0; i < learn + rounds; i++)
		makespan += run_round(nr_jobs, i, &all);
	put("jobs", nr_jobs);
	put("rounds", rounds);
	put("mean_ms", (int64_t)samples_mean(&all) / 1000);
	put("p90_ms", (int64_t)samples_quantile(&all, 900) / 1000);
	for (i = 0; i < nr_kinds; i++)
		put_of("mean_ms", kind[i].name, (int64_t)samples_mean(&kind[i].done_us) / 1000);
	put("makespan_ms", (int64_t)makespan / rounds / 1000);
	return 0;
}
