/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * queue.h - queues of tasks for policies: a priority queue and a FIFO.
 *
 * The prototypes are in abi.h, because Lua calls them through FFI (a heap in Lua costs 4 to 5
 * times as much as one in C, the call from compiled Lua a nanosecond or two). A task is in at
 * most one queue; it knows which and where (scx_task.queue_, .index_), so that pushing a task
 * that is there already moves it to its new key instead of queueing it twice, and a thread that
 * exits is taken out wherever it waits.
 *
 *   scx_heap_new(cap), scx_fifo_new(cap)	NULL if memory is short; the only allocation
 *   scx_heap_push(q, task, key)	lowest key first, FIFO among equal keys; NaN counts as 0.
 *					A task in q moves to its new key; with the same key it
 *					keeps its place
 *   scx_fifo_push(q, task)		at the end; a task already in q keeps its place
 *	both: 0; -1 if the queue is full or the task waits in another queue (it stays there)
 *   scx_heap_pop(q), scx_fifo_pop(q)	the first task, taken out; NULL if empty
 *   scx_heap_peek(q), scx_fifo_peek(q)	the first task, left in; NULL if empty
 *   scx_heap_key(q)			key of the first task; 0 if empty
 *   scx_queue_remove(q, task)		0; -1 if the task is not in q
 *   scx_queue_len(q)			tasks in q
 *
 *   scx_queue_free(q)			tasks still in it are taken out, so their slots must be
 *					there yet; NULL is fine
 *
 * A queue of the wrong kind, or NULL, is full when pushed to and empty otherwise.
 *
 * The heap is 4-ary and holds keys beside the pointers: one cache line per level.
 */
#ifndef SCXLUA_QUEUE_H
#define SCXLUA_QUEUE_H

#include "abi.h"

/* Takes the task out of whatever queue it waits in, if any. */
void queue_forget(struct scx_task *task);

#endif
