/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine_state.h - private to engine.c (the cycle, the calls of the policy), commit.c (from a
 * decision to what the kernel is sent), ask.c and running.c (what a policy asks through FFI).
 */
#ifndef SCXLUA_ENGINE_STATE_H
#define SCXLUA_ENGINE_STATE_H

#include <stdbool.h>

#include "engine.h"
#include "queue.h"

struct engine {
	struct engine_config cfg;
	double min_slice_ns; /* of cfg, converted once; far below 2^63 */
	double max_slice_ns;
	struct engine_view view;
	struct ring *in;
	struct uring *out;
	struct table *table;
	struct engine_stats *stats;
	struct policy *policy;
	struct engine_progress *progress;
	struct engine_progress own_progress;

	uint32_t held;	   /* tasks of the table with held_ = 1 */
	uint32_t claimed;  /* ... of which the policy says it could dispatch some */
	uint32_t refused;  /* decisions at the front of the outbox counted as outbox_full */
	uint32_t nr_lent;  /* CPUs of engine_new() */
	uint64_t *lent_ns; /* per CPU: when pick_idle() gave it out, 0 = seen busy since */
	uint8_t *online;   /* per CPU: what the policy knows */
	bool is_borrowed;  /* between two engine_swap(): those CPUs are not ours */
	uint64_t vtime;	   /* of the last decision, for tasks that have no slot */
	uint64_t tick_due; /* time of the next tick() */

	struct scx_outbox *outbox;
	struct scx_task **adopted; /* room for every slot of the table */
	struct scx_task *batch[ENGINE_BATCH];
};

/*
 * Decided tasks on their way to a CPU or waiting for one, as far as can be known here: `committed`
 * of this cycle count as waiting, even if the kernel has taken them since.
 */
uint64_t engine_queued(const struct engine *e, uint64_t committed);

/* The engine whose policy is running: what a call from Lua is about. NULL outside of hooks. */
extern struct engine *engine_running;

/* What the policy is told of is in no queue; what is decided or gone neither. */
static inline void engine_leave_queue(struct scx_task *task)
{
	if (task->queue_)
		queue_forget(task);
}

/* The task waits for no decision any more. */
static inline void engine_let_go(struct engine *e, struct scx_task *task)
{
	engine_leave_queue(task);
	task->held_ = 0;
	e->held--;
}

/* Asks the kernel to kick a CPU; false if the ring is full. An impossible CPU is counted. */
bool engine_kick(struct engine *e, double cpu, uint32_t flags);

/* Decides in the policy's place: any CPU, the default slice, the task's last vtime. */
void engine_default_task(struct engine *e, struct scx_task *task);

/* The same for a task that has no slot. */
void engine_default_record(struct engine *e, const struct scxlua_record *rec);

/* Takes the decisions about a task that ends out of the outbox. */
void engine_forget_decisions(struct engine *e, const struct scx_task *task);

/* The thread ends: its pid may be another's soon. In running.c. */
void running_forget(int32_t pid);

#endif
