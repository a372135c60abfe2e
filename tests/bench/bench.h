/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.h - the parts of the benchmark: a feed of records, policies in C, a policy in a
 * stopwatch, and the way of a scheduler that asks the kernel task by task.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

/* ---- feed.c: records without a scheduler ---- */

/* The kernel's ends of the rings: real ones through BPF, or synth.h's where that is refused. */
struct feed {
	struct ring ring;
	struct uring uring;
	struct scxlua_control control;
	struct scx_cpu *cpus;
	uint32_t nr_cpus;
	uint32_t threads;
	uint64_t produced;
	struct bench_bpf *skel; /* NULL: synth */
	struct synth *synth;
	char why[128]; /* BPF was refused */
};

/* 0 or -errno. use_bpf: try that first. */
int feed_open(struct feed *f, uint32_t threads, bool use_bpf);
void feed_close(struct feed *f);

/* Makes n records, n <= 1024; takes all verdicts; returns how many of them. */
uint32_t feed_produce(struct feed *f, uint32_t n);
uint32_t feed_take(struct feed *f);

/* One run of an almost empty BPF program; false without BPF. */
bool feed_nothing(struct feed *f);

/* ---- policies.c: what the Lua policies do, in C ---- */

struct c_policy {
	struct policy policy;
	struct engine *engine;
	struct scx_queue *queue;
	double vnow;
};

extern const struct policy_ops c_fifo_ops, c_vtime_ops;

/* ---- stopwatch.c ---- */

/* A policy around a policy: when the first hook began, and what all of them took. */
struct stopwatch {
	struct policy policy;
	struct policy *inner;
	struct policy_ops ops;
	uint64_t first; /* of this cycle; 0 = none yet */
	uint64_t spent;
	uint64_t calls;
};

void stopwatch_init(struct stopwatch *s, struct policy *inner);

uint64_t clock_ns(void);

/* What clock_ns() itself adds to an interval between two of them. */
double clock_cost(void);

/* ---- rustland.c: one task at a time, through libbpf ---- */

/* Nanoseconds for n tasks: taking the records, sending the verdicts, asking for a CPU. */
struct rustland_time {
	double consume, submit, select_cpu;
};

struct rustland;

/* NULL without BPF. */
struct rustland *rustland_new(struct feed *f);
void rustland_free(struct rustland *r);

/* Handles the n records that are in the ring. */
void rustland_run(struct rustland *r, uint32_t n, struct rustland_time *t);

/* ---- bench.c measures, print.c prints ---- */

enum { NR_BATCHES = 4, MAX_REPEATS = 31, MAX_SUBJECTS = 8 };

extern const uint32_t batch_size[NR_BATCHES];

enum column { DRAIN, POLICY, VALIDATE, COMMIT, CYCLE, NR_COLUMNS };

/* What rustland does, then what the kernel does at its end of the rings for either. */
enum rival { CONSUME, SELECT_CPU, SUBMIT, RIVAL_SUM, PRODUCE, TAKE, NR_RIVAL };

/* A policy with an engine of its own; all share the feed. */
struct subject {
	char name[32];
	struct policy *policy;
	struct table *table;
	struct engine *engine;
	struct engine_stats stats;
	struct c_policy c;
	struct lua_policy *lua;
	double sample[NR_BATCHES][NR_COLUMNS][MAX_REPEATS];
	double ns[NR_BATCHES][NR_COLUMNS]; /* medians */
};

struct options {
	const char *json;
	const char *policies;
	const char *lua;
	uint32_t threads;
	uint32_t repeats;
	uint32_t tasks; /* per repeat */
	bool synth;
};

struct bench {
	struct options opt;
	struct feed feed;
	double clock;	  /* what a reading costs just now */
	uint64_t missing; /* tasks that came back without a verdict */

	struct subject subject[MAX_SUBJECTS];
	int nr_subjects;

	struct rustland *rustland;
	double rival_sample[NR_BATCHES][NR_RIVAL][MAX_REPEATS];
	double rival[NR_BATCHES][NR_RIVAL]; /* medians */
};

void print_table(const struct bench *b);
void write_json(const struct bench *b);

#endif
