/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * synth.h - a stand-in for the kernel's end of the two rings, in plain memory.
 *
 * Makes records for a population of made-up threads, takes verdicts, "runs" the threads it
 * has verdicts for, and enqueues them again. No time passes but that of the runs; no randomness
 * but a seed. CPUs are pairs of siblings, in two halves with a last-level cache each, idle or not
 * at random. Used to compile a policy's hot paths before attach, by `scxlua check`,
 * by the tests and by the benchmark. It keeps the same ledger as the BPF side.
 */
#ifndef SCXLUA_SYNTH_H
#define SCXLUA_SYNTH_H

#include "ring.h"

struct synth;

struct synth_ledger {
	uint64_t queued, decided, aged_out, exited, stale, gone, kicks;
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

/* The slice that the last verdict for thread i gave it, ns; 0 if none. */
uint64_t synth_slice(const struct synth *s, uint32_t i);

const struct synth_ledger *synth_ledger(const struct synth *s);

#endif
