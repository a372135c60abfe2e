// SPDX-License-Identifier: GPL-2.0-only
/*
 * table.c - see table.h.
 *
 * Three arrays: the slots, which never move, a CPU mask for each, and an index of twice as many
 * small entries with linear probing. Removal shifts the index back, not the slots. Cookies are
 * hashed before use: taken as they are, a run of old threads would be one long cluster in the
 * way of every new one once the counter has gone round the index.
 */
#define _GNU_SOURCE
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_SLOTS = 1 << 24, LINE = 64 };

struct entry {
	uint32_t tag;  /* low half of the cookie; the slot has all of it */
	uint32_t slot; /* number of the slot plus 1, 0 = empty */
};

/* What changes, in shared memory. A policy can scribble on it: nothing here is an address. */
struct fill {
	uint32_t len;
	uint32_t top;	  /* slots from here on have never been used */
	uint32_t nr_free; /* ... and these before it have been given back */
};

/* What does not change, in memory that each process has a copy of. */
struct table {
	size_t bytes; /* of the shared mapping */
	uint32_t cap;
	uint32_t mask; /* of the index */
	uint32_t shift;
	uint32_t nr_cpus;
	uint32_t words; /* of a mask */
	struct fill *fill;
	struct scx_task *slot;
	uint64_t *mask_of; /* words of slot 0, of slot 1, ... */
	struct entry *index;
	uint32_t *free;
};

static uint32_t round_pow2(uint32_t n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

/* Cuts the mapping into its parts; the header is as long as a cache line. */
static void lay_out(struct table *t, char *mem)
{
	t->fill = (void *)mem;
	t->slot = (void *)(mem + LINE);
	t->mask_of = (void *)(t->slot + t->cap);
	t->index = (void *)(t->mask_of + (size_t)t->cap * t->words);
	t->free = (void *)(t->index + 2 * (size_t)t->cap);
}

struct table *table_new(uint32_t nr_slots, uint32_t nr_cpus)
{
	struct table *t;
	char *mem;

	if (nr_slots == 0 || nr_slots > MAX_SLOTS)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->cap = round_pow2(nr_slots);
	t->mask = 2 * t->cap - 1;
	t->shift = (uint32_t)__builtin_clz(t->mask);
	t->nr_cpus = nr_cpus;
	t->words = (nr_cpus + 63) / 64;
	t->bytes = LINE + t->cap * (sizeof(*t->slot) + t->words * sizeof(*t->mask_of) +
				    2 * sizeof(*t->index) + sizeof(*t->free));
	mem = mmap(NULL, t->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED) {
		free(t);
		return NULL;
	}
	lay_out(t, mem);
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	munmap(t->fill, t->bytes);
	free(t);
}

void table_reset(struct table *t)
{
	memset(t->fill, 0, t->bytes);
}

static uint32_t home_of(const struct table *t, uint32_t tag)
{
	return (tag * 0x9e3779b1u) >> t->shift;
}

/* Where the cookie's entry is, or would go. The index is never more than half full. */
static uint32_t table_probe(const struct table *t, uint64_t cookie)
{
	uint32_t tag = (uint32_t)cookie;
	uint32_t i = home_of(t, tag);

	while (t->index[i].slot) {
		if (t->index[i].tag == tag && t->slot[t->index[i].slot - 1].cookie_ == cookie)
			break;
		i = (i + 1) & t->mask;
	}
	return i;
}

void table_prefetch_index(const struct table *t, uint64_t cookie)
{
	__builtin_prefetch(&t->index[home_of(t, (uint32_t)cookie)]);
}

void table_prefetch_slot(const struct table *t, uint64_t cookie)
{
	uint32_t slot = t->index[home_of(t, (uint32_t)cookie)].slot;
	const char *task = (const char *)&t->slot[slot ? slot - 1 : 0];

	for (size_t line = 0; line < sizeof(struct scx_task); line += LINE)
		__builtin_prefetch(task + line, 1);
}

struct scx_task *table_find(const struct table *t, uint64_t cookie)
{
	uint32_t slot = t->index[table_probe(t, cookie)].slot;

	return slot ? &t->slot[slot - 1] : NULL;
}

struct scx_task *table_take(struct table *t, uint64_t cookie)
{
	struct entry *entry = &t->index[table_probe(t, cookie)];
	struct scx_task *task;
	uint32_t slot;

	if (entry->slot)
		return &t->slot[entry->slot - 1];
	if (cookie == 0 || t->fill->len == t->cap)
		return NULL;
	slot = t->fill->nr_free ? t->free[--t->fill->nr_free] : t->fill->top++;
	task = &t->slot[slot];
	memset(task, 0, sizeof(*task));
	memset(t->mask_of + (size_t)slot * t->words, 0xff, t->words * sizeof(*t->mask_of));
	task->cookie_ = cookie;
	entry->tag = (uint32_t)cookie;
	entry->slot = slot + 1;
	t->fill->len++;
	return task;
}

static uint64_t *mask_of(const struct table *t, const struct scx_task *task)
{
	return t->mask_of + (size_t)(task - t->slot) * t->words;
}

void table_set_mask(struct table *t, const struct scx_task *task, const struct scxlua_affinity *rec)
{
	uint64_t *mask = mask_of(t, task);

	for (uint32_t i = 0, word = rec->first / 64; i < SCXLUA_MASK_WORDS; i++, word++)
		if (word < t->words)
			mask[word] = rec->mask[i];
}

bool table_allows(const struct table *t, const struct scx_task *task, uint32_t cpu)
{
	return cpu < t->nr_cpus && mask_of(t, task)[cpu / 64] >> cpu % 64 & 1;
}

void task_refresh(struct scx_task *task, const struct scxlua_record *rec)
{
	task->pid = rec->pid;
	task->tgid = rec->tgid;
	task->ppid = rec->ppid;
	task->nice = rec->nice;
	task->cgroup_weight = rec->cgroup_weight;
	memcpy(task->comm, rec->comm, sizeof(task->comm));
	task->comm[sizeof(task->comm) - 1] = 0;
	task->cpu = rec->cpu;
	task->nr_cpus_allowed = rec->nr_cpus_allowed;
	task->cpumask_seq = rec->cpumask_seq;
	task->weight = rec->weight;
	task->flags = rec->flags;
	task->enqueue_ns = (double)(int64_t)rec->enqueue_ns;
	task->start_ns = (double)(int64_t)rec->start_ns;
	task->stop_ns = (double)(int64_t)rec->stop_ns;
	task->exec_ns = (double)(int64_t)rec->exec_ns;
	task->sum_exec_ns = (double)(int64_t)rec->sum_exec_ns;
	task->nvcsw = (double)(int64_t)rec->nvcsw;
	task->cgroup_id = (double)(int64_t)rec->cgroup_id;
}

/* Empties entry `hole`, moving back what was pushed past its home because of it. */
static void index_remove(struct table *t, uint32_t hole)
{
	uint32_t i = (hole + 1) & t->mask;

	for (; t->index[i].slot; i = (i + 1) & t->mask) {
		uint32_t home = home_of(t, t->index[i].tag);

		if (((i - home) & t->mask) < ((i - hole) & t->mask))
			continue;
		t->index[hole] = t->index[i];
		hole = i;
	}
	t->index[hole].slot = 0;
}

void table_remove(struct table *t, struct scx_task *task)
{
	uint32_t i = table_probe(t, task->cookie_);

	if (!t->index[i].slot)
		return;
	index_remove(t, i);
	task->cookie_ = 0;
	t->free[t->fill->nr_free++] = (uint32_t)(task - t->slot);
	t->fill->len--;
}

bool table_knows(const struct table *t, const struct scx_task *task)
{
	uintptr_t offset = (uintptr_t)task - (uintptr_t)t->slot;

	/* A pointer below the slots wraps to an offset above them. */
	return offset < (uintptr_t)t->fill->top * sizeof(*task) && offset % sizeof(*task) == 0;
}

bool table_owns(const struct table *t, const struct scx_task *task)
{
	return table_knows(t, task) && task->cookie_ != 0;
}

uint32_t table_len(const struct table *t)
{
	return t->fill->len;
}

uint32_t table_cap(const struct table *t)
{
	return t->cap;
}

struct scx_task *table_next(const struct table *t, uint32_t *pos)
{
	uint32_t top = t->fill->top < t->cap ? t->fill->top : t->cap;

	while (*pos < top) {
		struct scx_task *task = &t->slot[(*pos)++];

		if (task->cookie_)
			return task;
	}
	return NULL;
}

/*
 * qsort() may allocate, so a heapsort of our own: `out` is a heap with the youngest at the
 * root while it is filled, so that a short `out` keeps the oldest.
 */
static bool is_older(const struct scx_task *a, const struct scx_task *b)
{
	if (a->enqueue_ns != b->enqueue_ns)
		return a->enqueue_ns < b->enqueue_ns;
	return a->cookie_ < b->cookie_;
}

static void sift_down(struct scx_task **heap, uint32_t n, uint32_t i)
{
	struct scx_task *task = heap[i];

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child + 1 < n && is_older(heap[child], heap[child + 1]))
			child++;
		if (child >= n || !is_older(task, heap[child]))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = task;
}

static void sift_up(struct scx_task **heap, uint32_t i)
{
	struct scx_task *task = heap[i];

	while (i > 0 && is_older(heap[(i - 1) / 2], task)) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = task;
}

uint32_t table_held(const struct table *t, struct scx_task **out, uint32_t cap)
{
	struct scx_task *task;
	uint32_t pos = 0;
	uint32_t n = 0;

	while (cap && (task = table_next(t, &pos))) {
		if (!task->held_)
			continue;
		if (n < cap) {
			out[n] = task;
			sift_up(out, n++);
		} else if (is_older(task, out[0])) {
			out[0] = task;
			sift_down(out, n, 0);
		}
	}
	for (uint32_t i = n; i > 1; i--) {
		task = out[i - 1];
		out[i - 1] = out[0];
		out[0] = task;
		sift_down(out, i - 1, 0);
	}
	return n;
}
