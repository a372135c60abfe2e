/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine.h - one cycle of user-space scheduling: drain, decide, validate, commit.
 *
 * The engine knows rings, the task table and a policy; it does not know whether a kernel is at
 * the other end. The worker runs it against BPF; `scxlua check`, the JIT warm-up, the tests
 * and the benchmark run the same code against synth.h.
 *
 * Nothing here can lose a task: a record the engine cannot serve (table full) gets the default
 * decision, a decision it cannot trust is replaced or dropped and counted, and a task without
 * a decision stays on its hold queue in the kernel, which ages it out.
 *
 * A policy is told of a task once: a record for a task that it already holds only refreshes the
 * task, unless the task has run meanwhile (it aged out), which means the policy is slow or has
 * forgotten it: then it is told again, counted as `forgotten`. A task that the policy is told of
 * is in no queue (queue.h): the place it had there was for an enqueue that is over.
 */
#ifndef SCXLUA_ENGINE_H
#define SCXLUA_ENGINE_H

#include <stdbool.h>

#include "hist.h"
#include "policy.h"
#include "ring.h"
#include "table.h"

enum {
	ENGINE_BATCH = 512,	     /* records per enqueue() call */
	ENGINE_OUTBOX = 1024,	     /* decisions between two flushes */
	ENGINE_MIN_SLICE_NS = 50000, /* of a decision; shorter ones are mistakes, and clamped */
};

/* Counters of the user-space side; the names are part of the JSON output. One writer: the engine. */
#define ENGINE_COUNTERS(X)                                                                         \
	X(batches, "enqueue() calls")                                                              \
	X(cycles, "cycles that found something to do")                                             \
	X(received, "tasks received from the kernel")                                              \
	X(committed, "decisions sent to the kernel")                                               \
	X(defaulted,                                                                               \
	  "decisions made by the runtime because the policy failed or the table was full")         \
	X(forgotten, "tasks that aged out in the policy's hands and were offered again")           \
	X(refreshed, "records for a task the policy already held")                                 \
	X(policy_errors, "calls of the policy that raised an error")                               \
	X(reject_unknown, "decisions for something that is not a task")                            \
	X(reject_twice, "decisions for a task that was not waiting for one")                       \
	X(bad_cpu, "decisions with an impossible CPU, replaced by any")                            \
	X(bad_slice, "decisions with an impossible slice, replaced or clamped")                    \
	X(bad_vtime, "decisions with an impossible vtime, replaced or clamped")                    \
	X(bad_flags, "decisions with unknown flags, masked")                                       \
	X(outbox_full, "decisions refused because the ring to the kernel was full")                \
	X(bad_records, "ring samples that were not records")                                       \
	X(table_full, "tasks for which there was no slot")                                         \
	X(threads_gone, "exit events")

struct engine_stats {
#define ENGINE_FIELD(name, help) uint64_t name;
	ENGINE_COUNTERS(ENGINE_FIELD)
#undef ENGINE_FIELD
	struct hist batch_size; /* tasks per enqueue() call */
	struct hist decide_ns;	/* from drain to commit, per batch */
};

/* What the engine must know about the machine. Plain memory, may change at any time. */
struct engine_view {
	const struct scx_cpu *cpus;
	uint32_t nr_cpus;		/* CPU numbers are below this */
	struct scxlua_control *control; /* reads the BPF group, writes the worker group */
};

struct engine_config {
	uint64_t slice_ns;     /* default slice */
	uint64_t max_slice_ns; /* at most 100 ms by default */
	uint64_t min_slice_ns;
	bool no_validate; /* for tests: the numbers of decisions are sent as they are */
};

struct engine;

/* All pointers are borrowed and must outlive the engine. NULL if memory is short. */
struct engine *engine_new(const struct engine_config *cfg, const struct engine_view *view,
			  struct ring *in, struct uring *out, struct table *table,
			  struct engine_stats *stats);
void engine_free(struct engine *e);
void engine_set_policy(struct engine *e, struct policy *p);

/*
 * What an engine works on, all borrowed. Exchanged as a whole, so that a policy can be run on
 * made-up threads through the very engine, and so the very outbox, that it will have for good.
 * Only while no task is held and the outbox is empty, on both sides: before the engine's first
 * cycle, and back again after every made-up thread has exited. What was left is forgotten.
 */
struct engine_binding {
	struct engine_view view;
	struct ring *in;
	struct uring *out;
	struct table *table; /* engine_adopt() needs the one of engine_new() */
	struct engine_stats *stats;
};
void engine_swap(struct engine *e, struct engine_binding *binding);

/* The outbox that the policy writes to (see abi.h). */
struct scx_outbox *engine_outbox(struct engine *e);

/*
 * Validates and commits what is in the outbox now. Returns how many decisions could not be
 * sent because the ring was full: they stay in the outbox, and their tasks on their hold queues.
 */
uint32_t engine_flush(struct engine *e);

/*
 * One cycle: records that have come in (at most 2048) go to enqueue() in batches, exits and CPU
 * events to their hooks in order; then tick() if due; then dispatch() if the policy holds tasks
 * and the kernel has room; then everything is committed. Returns the number of records and
 * decisions handled: 0 means there is nothing to do.
 */
uint32_t engine_cycle(struct engine *e);

/*
 * Offers every task that is held in the table to the policy, oldest first (after a reload).
 * Takes every task out of the queue it was in: that queue was in another process's memory.
 * Must run before the first cycle on a table that is not empty.
 */
void engine_adopt(struct engine *e);

/*
 * Tells the policy of the CPUs that came or went since engine_new(): the records of a time when another
 * worker read the ring are not seen here. One that comes all the same is not told twice.
 */
void engine_tell_cpus(struct engine *e);

/* The thread is gone: out of its queue, exit_task(), slot free. Unknown cookies only count. */
void engine_exit(struct engine *e, uint64_t cookie);

/*
 * The time of every engine of this process, and of scx.now(): what clock_ns() says, or
 * CLOCK_MONOTONIC, the default, if that is NULL. For machines that are made up.
 */
void engine_set_clock(uint64_t (*clock_ns)(void));

/* Tasks that the policy was told of and that are not decided yet. */
uint32_t engine_held(const struct engine *e);

/* Calls the policy's idle(), for its housekeeping; after a cycle that returned 0. */
void engine_idle(struct engine *e);

/* Written before a risky call and after it, for the watchdog: which hook, since when. */
struct engine_progress {
	uint64_t batch;	  /* calls of the policy begun so far */
	uint32_t in_hook; /* enum engine_hook, 0 = not in the policy */
	uint32_t reserved;
};

enum engine_hook {
	HOOK_NONE,
	HOOK_LOAD,
	HOOK_INIT,
	HOOK_ENQUEUE,
	HOOK_DISPATCH,
	HOOK_EXIT_TASK,
	HOOK_CPU,
	HOOK_TICK,
	HOOK_IDLE,
	HOOK_STATS,
	HOOK_EXPORT,
	HOOK_IMPORT,
	NR_HOOKS,
};

extern const char *const engine_hook_name[NR_HOOKS];

/* Where the engine keeps its progress; shared memory in the worker. Default: private. */
void engine_set_progress(struct engine *e, struct engine_progress *progress);

#endif
