// SPDX-License-Identifier: GPL-2.0-only
/*
 * arena.c - see arena.h.
 *
 * Blocks have no header: lua_Alloc's caller states the old size, and the size names the class.
 * So a block must be given back with the size it was last asked for, which Lua guarantees.
 */
#define _GNU_SOURCE
#include "arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	QUANTUM = 16, /* alignment of every block */
	NR_SMALL = 64,
	SMALL_LOG2 = 10, /* up to 1 KiB: one class per 16 bytes; above: 4 per power of two */
	MAX_LOG2 = 40,
	NR_CLASSES = NR_SMALL + (MAX_LOG2 - SMALL_LOG2) * 4,
};

struct free_block {
	struct free_block *next;
};

struct arena {
	uint8_t *start;
	uint8_t *bump;
	uint8_t *end;
	size_t mapped;
	size_t used;
	unsigned long failed;
	struct free_block *free[NR_CLASSES];
};

static size_t page_round(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

struct arena *arena_new(size_t bytes)
{
	size_t header = page_round(sizeof(struct arena));
	size_t mapped = header + page_round(bytes);
	struct arena *a;

	if (bytes == 0 || bytes > (size_t)1 << MAX_LOG2)
		return NULL;
	a = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a == MAP_FAILED)
		return NULL;
	a->start = (uint8_t *)a + header;
	a->bump = a->start;
	a->end = (uint8_t *)a + mapped;
	a->mapped = mapped;
	return a;
}

void arena_free(struct arena *a)
{
	if (a)
		munmap(a, a->mapped);
}

/* 1 <= size <= 2^MAX_LOG2. */
static unsigned int class_of(size_t size)
{
	unsigned int log2;

	if (size <= (size_t)1 << SMALL_LOG2)
		return (unsigned int)((size - 1) / QUANTUM);
	log2 = 63 - (unsigned int)__builtin_clzl(size - 1);
	return NR_SMALL + (log2 - SMALL_LOG2) * 4 + (unsigned int)((size - 1) >> (log2 - 2) & 3);
}

static size_t class_bytes(unsigned int class)
{
	unsigned int step;

	if (class < NR_SMALL)
		return (class + 1) * (size_t)QUANTUM;
	step = class - NR_SMALL;
	return (size_t)(step % 4 + 5) << (step / 4 + SMALL_LOG2 - 2);
}

static void *block_get(struct arena *a, unsigned int class)
{
	struct free_block *block = a->free[class];
	size_t bytes = class_bytes(class);

	if (block) {
		a->free[class] = block->next;
	} else {
		if (bytes > (size_t)(a->end - a->bump))
			return NULL;
		block = (void *)a->bump;
		a->bump += bytes;
	}
	a->used += bytes;
	return block;
}

static void block_put(struct arena *a, void *ptr, unsigned int class)
{
	struct free_block *block = ptr;

	block->next = a->free[class];
	a->free[class] = block;
	a->used -= class_bytes(class);
}

static void *arena_alloc(struct arena *a, size_t size)
{
	void *block = NULL;

	if (size <= (size_t)(a->end - a->start))
		block = block_get(a, class_of(size));
	if (!block)
		a->failed++;
	return block;
}

/*
 * Lua relies on shrinking never to fail: with no smaller block to be had the old one serves,
 * and counts as one of the smaller class from then on (its tail is lost to the arena).
 */
static void *arena_resize(struct arena *a, void *ptr, size_t osize, size_t nsize)
{
	unsigned int from = class_of(osize);
	void *block;

	if (nsize <= osize) {
		unsigned int to = class_of(nsize);

		if (to == from)
			return ptr;
		block = block_get(a, to);
		if (!block) {
			a->used -= class_bytes(from) - class_bytes(to);
			return ptr;
		}
	} else {
		if (nsize <= class_bytes(from))
			return ptr;
		block = arena_alloc(a, nsize);
		if (!block)
			return NULL;
	}
	memcpy(block, ptr, nsize < osize ? nsize : osize);
	block_put(a, ptr, from);
	return block;
}

void *arena_realloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
	struct arena *a = ud;

	/* An osize without a ptr means nothing; a ptr without an osize never was a block. */
	if (!ptr || osize == 0)
		return nsize ? arena_alloc(a, nsize) : NULL;
	if (nsize)
		return arena_resize(a, ptr, osize, nsize);
	block_put(a, ptr, class_of(osize));
	return NULL;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

size_t arena_peak(const struct arena *a)
{
	return (size_t)(a->bump - a->start);
}

unsigned long arena_failed(const struct arena *a)
{
	return a->failed;
}
