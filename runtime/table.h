/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - every thread the policy has seen, each in a slot at a fixed address.
 *
 * The table lies in shared memory that is mapped before any worker is forked, so a slot has the
 * same address in every worker and data[] survives a reload. One process at a time writes: the
 * active worker. Slots are found by cookie through an index with linear probing, whose entries
 * may move (removal shifts back, no tombstones) while slots do not. No call here allocates or
 * blocks but table_new().
 *
 * A worker that was killed may leave the table torn: its successor calls table_reset().
 */
#ifndef SCXLUA_TABLE_H
#define SCXLUA_TABLE_H

#include <stdbool.h>

#include "abi.h"

struct table;

/*
 * Room for `nr_slots` threads (rounded up to a power of two) on CPUs below nr_cpus. NULL if memory
 * is short.
 */
struct table *table_new(uint32_t nr_slots, uint32_t nr_cpus);
void table_free(struct table *t);
void table_reset(struct table *t);

/*
 * The slot of the thread, or a free one, zeroed, that is the thread's from now on. NULL if the
 * table is full or the cookie is 0. Two calls, because the caller compares old with new between.
 */
struct scx_task *table_take(struct table *t, uint64_t cookie);

/* Copies what the kernel says about the thread. held_, seq_, queue_ and vtime are the engine's. */
void task_refresh(struct scx_task *task, const struct scxlua_record *rec);

/*
 * Start to load what table_take() of a cookie will need: first its index entry, a while later
 * (the entry is read) its slot. Hints; any cookie is fine.
 */
void table_prefetch_index(const struct table *t, uint64_t cookie);
void table_prefetch_slot(const struct table *t, uint64_t cookie);

struct scx_task *table_find(const struct table *t, uint64_t cookie); /* NULL if unknown */

/*
 * The thread's affinity: a new one may run anywhere. Sets a part of it, as the kernel reports it;
 * asks for one CPU, false for a number that is none. The task must be a slot of the table.
 */
void table_set_mask(struct table *t, const struct scx_task *task,
		    const struct scxlua_affinity *rec);
bool table_allows(const struct table *t, const struct scx_task *task, uint32_t cpu);

/* Frees the slot; its task must not be used afterwards. */
void table_remove(struct table *t, struct scx_task *task);

/* Is this the address of a slot in use? The pointer is not followed unless it is one of ours. */
bool table_owns(const struct table *t, const struct scx_task *task);

/* ... of a slot that is in use or was: a task that may have ended since. */
bool table_knows(const struct table *t, const struct scx_task *task);

uint32_t table_len(const struct table *t);
uint32_t table_cap(const struct table *t);

/* Walks the slots in use: start with *pos = 0; NULL at the end. */
struct scx_task *table_next(const struct table *t, uint32_t *pos);

/*
 * Fills `out` with the tasks that are held, oldest enqueue first; returns how many. If there are
 * more than cap, those are the oldest. O(n log n), for reloads.
 */
uint32_t table_held(const struct table *t, struct scx_task **out, uint32_t cap);

#endif
