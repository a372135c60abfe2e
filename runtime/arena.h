/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arena.h - the memory a Lua state lives in: one mapping of fixed size, so that a policy has a
 * cap, and so that locking it once means no page fault ever after.
 *
 * Segregated free lists over a bump pointer: allocate, free and resize are O(1) and make no
 * system call. Blocks are not merged; a size class keeps what it once had. When the arena is
 * full, allocation returns NULL, which Lua turns into its "not enough memory" error.
 */
#ifndef SCXLUA_ARENA_H
#define SCXLUA_ARENA_H

#include <stddef.h>

struct arena;

/* Maps an arena of `bytes` (rounded up to a page). Returns NULL if memory is short. */
struct arena *arena_new(size_t bytes);
void arena_free(struct arena *a);

/*
 * lua_Alloc's contract, `ud` being the arena: nsize 0 frees ptr; else (re)allocates and returns
 * a 16-byte aligned block, or NULL with the old block intact.
 */
void *arena_realloc(void *ud, void *ptr, size_t osize, size_t nsize);

size_t arena_used(const struct arena *a); /* bytes in live blocks, rounded to their class */
size_t arena_peak(const struct arena *a); /* highest the bump pointer has been */
unsigned long arena_failed(const struct arena *a); /* requests refused because it was full */

#endif
