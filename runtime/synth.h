/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * synth.h - a stand-in for the kernel's end of the two rings, in plain memory.
 *
 * Makes records for a population of made-up threads, takes verdicts, "runs" the threads it
 * has verdicts for, and enqueues them again; CPUs are busy and idle, go and come back, and threads
 * are confined to some of them. CPUs are pairs of siblings, in two halves with a last-level cache
 * each. Time is made up too and passes only as threads run and by synth_step(); no randomness but
 * a seed. Used to compile a policy's hot paths before attach, by `scxlua check`, by the tests and
 * by the benchmark. It keeps the same ledger as the BPF side.
 */
#ifndef SCXLUA_SYNTH_H
#define SCXLUA_SYNTH_H

#include <stdbool.h>

#include "ring.h"

struct synth;

/* queued = decided + aged_out + cancelled + exited + what still waits for a verdict */
struct synth_ledger {
	uint64_t queued, decided, aged_out, cancelled, exited;
	uint64_t stale, gone; /* verdicts for an earlier enqueue, for a thread that has ended */
	uint64_t bounced; /* of the decided: for a CPU that the thread may not use, or is offline */
	uint64_t idle_missed; /* of the decided: for an idle CPU that was busy by then */
	uint64_t kicks;
};

/* nr_threads made-up threads on nr_cpus CPUs; NULL if memory is short. */
struct synth *synth_new(uint32_t nr_threads, uint32_t nr_cpus, uint64_t seed);
void synth_free(struct synth *s);

/* The runtime's ends of the rings, and the machine as the engine sees it. */
struct ring *synth_ring(struct synth *s);
struct uring *synth_uring(struct synth *s);
const struct scx_cpu *synth_cpus(const struct synth *s);
struct scxlua_control *synth_control(struct synth *s);

/* Enqueues the next n threads that are not queued; returns how many there were. */
uint32_t synth_enqueue(struct synth *s, uint32_t n);

/* Takes all verdicts, runs the tasks they name for their slices; returns how many. */
uint32_t synth_drain(struct synth *s);

/* Undecided tasks run anyway, as after the hold limit; returns how many. */
uint32_t synth_age(struct synth *s);

/* Ends thread i (0..nr_threads-1) with an exit record and puts a new one in its place. */
void synth_exit(struct synth *s, uint32_t i);

/*
 * Confines thread i to the CPUs of `mask`, one bit each, the words in ascending order, bits from
 * nr_cpus on ignored. As in the kernel, a waiting thread is taken off its queue (cancelled) and
 * enqueued anew. False, and nothing changes, if no CPU is left or the ring is full.
 */
bool synth_affinity(struct synth *s, uint32_t i, const uint64_t *mask);

/*
 * Takes CPU `cpu` offline or brings it back: its online word, nr_online and a record. A thread
 * whose last allowed CPU goes is free to run anywhere as soon as it would have to run, as the
 * kernel has it. False, and nothing changes, if it is so already, if it is the last CPU that is
 * online, or if the ring is full.
 */
bool synth_cpu(struct synth *s, uint32_t cpu, bool online);

/* Time passes and nothing happens. */
void synth_step(struct synth *s, uint64_t ns);

/* The time, for who shares it; never 0, the same word for the life of s. */
const uint64_t *synth_clock(const struct synth *s);

/*
 * From now on the time is what now_ns() says at each call of the functions above, and a little more
 * for each event: for a policy that will go on with what it has seen here (scx_now_ns). NULL: its
 * own again, from there on.
 */
void synth_follow(struct synth *s, double (*now_ns)(void));

/* Facts about thread i (0..nr_threads-1). */
int32_t synth_pid(const struct synth *s, uint32_t i);
bool synth_waits(const struct synth *s, uint32_t i); /* enqueued, and no verdict taken since */
bool synth_allows(const struct synth *s, uint32_t i, uint32_t cpu);
uint32_t synth_cpumask_seq(const struct synth *s, uint32_t i);

/* The thread that has this pid or is the successor of the one that had; nr_threads: none. */
uint32_t synth_find(const struct synth *s, int32_t pid);

/* The thread that synth_enqueue() has enqueued last. */
uint32_t synth_last(const struct synth *s);

/* The slice that the last verdict for thread i gave it, ns; 0 if none. */
uint64_t synth_slice(const struct synth *s, uint32_t i);

const struct synth_ledger *synth_ledger(const struct synth *s);

#endif
