// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue.c - see queue.h.
 *
 * Policies call these through FFI with whatever they have: NULL and the wrong kind of queue
 * are refused, not followed.
 */
#include "queue.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ARITY = 4, LINE = 64, MAX_CAP = 1 << 26 };

enum queue_kind { QUEUE_HEAP = 1, QUEUE_FIFO = 2 };

/* A heap's array. Ties are broken by the task's order_, the order of pushing. */
struct heap_item {
	double key;
	struct scx_task *task;
};

/* A FIFO's list, linked by number so that taking one out of the middle is O(1) as well. */
struct fifo_node {
	struct scx_task *task;
	uint32_t prev; /* toward the head */
	uint32_t next; /* toward the tail; in a free node the next free one */
};

enum { NO_NODE = 0xffffffffu };

struct scx_queue {
	enum queue_kind kind;
	uint32_t cap;
	uint32_t len;
	uint32_t head;
	uint32_t tail;
	uint32_t free;
	uint64_t pushed;
	struct heap_item *item;
	struct fifo_node *node;
	void *memory;
};

_Static_assert(sizeof(struct heap_item) * ARITY == LINE, "one cache line per level");

static struct scx_queue *queue_new(enum queue_kind kind, uint32_t cap, size_t item_bytes)
{
	struct scx_queue *q;

	if (cap == 0 || cap > MAX_CAP)
		return NULL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	/* Room to shift the array, and touched now: a policy must not fault later. */
	q->memory = aligned_alloc(LINE, (cap * item_bytes + 2 * LINE - 1) / LINE * LINE);
	if (!q->memory) {
		free(q);
		return NULL;
	}
	memset(q->memory, 0, cap * item_bytes);
	q->kind = kind;
	q->cap = cap;
	return q;
}

struct scx_queue *scx_heap_new(uint32_t cap)
{
	struct scx_queue *q = queue_new(QUEUE_HEAP, cap, sizeof(struct heap_item));

	/* The root at the end of a line, so that every group of children has one of its own. */
	if (q)
		q->item = (struct heap_item *)q->memory + (ARITY - 1);
	return q;
}

struct scx_queue *scx_fifo_new(uint32_t cap)
{
	struct scx_queue *q = queue_new(QUEUE_FIFO, cap, sizeof(struct fifo_node));

	if (!q)
		return NULL;
	q->node = q->memory;
	for (uint32_t i = 0; i < cap; i++)
		q->node[i].next = i + 1 < cap ? i + 1 : NO_NODE;
	q->head = q->tail = NO_NODE;
	return q;
}

static bool is_kind(const struct scx_queue *q, enum queue_kind kind)
{
	return q && q->kind == kind;
}

static void task_leaves(struct scx_queue *q, struct scx_task *task)
{
	task->queue_ = NULL;
	q->len--;
}

/* ---- heap ---- */

static bool item_before(const struct heap_item *a, const struct heap_item *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return a->task->order_ < b->task->order_;
}

static void heap_place(struct scx_queue *q, uint32_t i, struct heap_item item)
{
	q->item[i] = item;
	item.task->index_ = i;
}

static void heap_up(struct scx_queue *q, uint32_t i, struct heap_item item)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / ARITY;

		if (!item_before(&item, &q->item[parent]))
			break;
		heap_place(q, i, q->item[parent]);
		i = parent;
	}
	heap_place(q, i, item);
}

static uint32_t heap_least_child(const struct scx_queue *q, uint32_t i)
{
	uint32_t first = i * ARITY + 1;
	uint32_t end = first + ARITY < q->len ? first + ARITY : q->len;
	uint32_t best = first;

	for (uint32_t c = first + 1; c < end; c++)
		if (item_before(&q->item[c], &q->item[best]))
			best = c;
	return best;
}

static void heap_down(struct scx_queue *q, uint32_t i, struct heap_item item)
{
	while (i * ARITY + 1 < q->len) {
		uint32_t child = heap_least_child(q, i);

		if (!item_before(&q->item[child], &item))
			break;
		heap_place(q, i, q->item[child]);
		i = child;
	}
	heap_place(q, i, item);
}

static void heap_settle(struct scx_queue *q, uint32_t i, struct heap_item item)
{
	if (i > 0 && item_before(&item, &q->item[(i - 1) / ARITY]))
		heap_up(q, i, item);
	else
		heap_down(q, i, item);
}

static void heap_remove(struct scx_queue *q, struct scx_task *task)
{
	uint32_t i = task->index_;
	struct heap_item last = q->item[q->len - 1];

	task_leaves(q, task);
	if (i != q->len)
		heap_settle(q, i, last);
}

int scx_heap_push(struct scx_queue *q, struct scx_task *task, double key)
{
	struct heap_item item = { .key = key == key ? key : 0, .task = task };

	if (!is_kind(q, QUEUE_HEAP) || !task)
		return -1;
	if (task->queue_ == q) {
		if (q->item[task->index_].key == item.key)
			return 0;
		task->order_ = q->pushed++;
		heap_settle(q, task->index_, item);
		return 0;
	}
	if (task->queue_ || q->len == q->cap)
		return -1;
	task->queue_ = q;
	task->order_ = q->pushed++;
	heap_up(q, q->len++, item);
	return 0;
}

struct scx_task *scx_heap_peek(const struct scx_queue *q)
{
	return is_kind(q, QUEUE_HEAP) && q->len ? q->item[0].task : NULL;
}

struct scx_task *scx_heap_pop(struct scx_queue *q)
{
	struct scx_task *task = scx_heap_peek(q);

	if (task)
		heap_remove(q, task);
	return task;
}

double scx_heap_key(const struct scx_queue *q)
{
	return is_kind(q, QUEUE_HEAP) && q->len ? q->item[0].key : 0;
}

/* ---- FIFO ---- */

static void fifo_remove(struct scx_queue *q, struct scx_task *task)
{
	struct fifo_node *node = &q->node[task->index_];

	if (node->prev == NO_NODE)
		q->head = node->next;
	else
		q->node[node->prev].next = node->next;
	if (node->next == NO_NODE)
		q->tail = node->prev;
	else
		q->node[node->next].prev = node->prev;
	node->next = q->free;
	q->free = task->index_;
	task_leaves(q, task);
}

static void fifo_append(struct scx_queue *q, struct scx_task *task)
{
	uint32_t i = q->free;
	struct fifo_node *node = &q->node[i];

	q->free = node->next;
	node->task = task;
	node->prev = q->tail;
	node->next = NO_NODE;
	if (q->tail == NO_NODE)
		q->head = i;
	else
		q->node[q->tail].next = i;
	q->tail = i;
	q->len++;
	task->queue_ = q;
	task->index_ = i;
}

int scx_fifo_push(struct scx_queue *q, struct scx_task *task)
{
	if (!is_kind(q, QUEUE_FIFO) || !task)
		return -1;
	if (task->queue_ == q)
		return 0;
	if (task->queue_ || q->len == q->cap)
		return -1;
	fifo_append(q, task);
	return 0;
}

struct scx_task *scx_fifo_peek(const struct scx_queue *q)
{
	return is_kind(q, QUEUE_FIFO) && q->len ? q->node[q->head].task : NULL;
}

struct scx_task *scx_fifo_pop(struct scx_queue *q)
{
	struct scx_task *task = scx_fifo_peek(q);

	if (task)
		fifo_remove(q, task);
	return task;
}

/* ---- both ---- */

uint32_t scx_queue_len(const struct scx_queue *q)
{
	return q ? q->len : 0;
}

void queue_forget(struct scx_task *task)
{
	struct scx_queue *q = task->queue_;

	if (!q)
		return;
	if (q->kind == QUEUE_HEAP)
		heap_remove(q, task);
	else
		fifo_remove(q, task);
}

int scx_queue_remove(struct scx_queue *q, struct scx_task *task)
{
	if (!q || !task || task->queue_ != q)
		return -1;
	queue_forget(task);
	return 0;
}

void scx_queue_free(struct scx_queue *q)
{
	if (!q)
		return;
	while (q->len)
		queue_forget(q->kind == QUEUE_HEAP ? q->item[0].task : q->node[q->head].task);
	free(q->memory);
	free(q);
}
