// SPDX-License-Identifier: GPL-2.0-only
/* test_arena.c - the Lua heap: contents survive whatever the order of calls. */
#include "unit.h"

#include <string.h>

#include "arena.h"

enum { NR_BLOCKS = 400, PAGE = 4096 };

struct block {
	uint8_t *at;
	size_t size;
	uint8_t seed;
};

static struct block block[NR_BLOCKS];

static void block_fill(struct block *b, size_t from)
{
	for (size_t i = from; i < b->size; i++)
		b->at[i] = (uint8_t)(b->seed + i * 7);
}

static void block_check(const struct block *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (b->at[i] != (uint8_t)(b->seed + i * 7))
			fail_msg("byte %zu of a block of %zu changed", i, b->size);
}

/* Sizes as Lua asks for them: mostly small, now and then a table or a string that grew. */
static size_t random_size(uint64_t *seed)
{
	uint32_t kind = unit_below(seed, 100);

	if (kind < 80)
		return 1 + unit_below(seed, 200);
	if (kind < 98)
		return 1 + unit_below(seed, 8000);
	return 1 + unit_below(seed, 300000);
}

/* One random step on one block; false if the arena refused it. */
static int block_step(struct arena *a, struct block *b, uint64_t *seed)
{
	size_t size = unit_below(seed, 3) ? random_size(seed) : 0;
	size_t kept = size < b->size ? size : b->size;
	uint8_t *at = arena_realloc(a, b->at, b->size, size);

	if (size && !at) {
		assert_true(size > b->size); /* shrinking never fails */
		block_check(b, b->size);
		return 0;
	}
	if (!size)
		assert_null(at);
	assert_int_equal((uintptr_t)at % 16, 0);
	b->at = at;
	block_check(b, kept);
	b->size = size;
	block_fill(b, kept);
	return 1;
}

static unsigned long random_steps(struct arena *a, uint64_t seed, int steps)
{
	unsigned long refused = 0;

	memset(block, 0, sizeof(block));
	for (int i = 0; i < steps; i++) {
		struct block *b = &block[unit_below(&seed, NR_BLOCKS)];

		if (!b->size)
			b->seed = (uint8_t)unit_random(&seed);
		refused += !block_step(a, b, &seed);
	}
	for (int i = 0; i < NR_BLOCKS; i++) {
		block_check(&block[i], block[i].size);
		arena_realloc(a, block[i].at, block[i].size, 0);
	}
	assert_int_equal(arena_used(a), 0);
	return refused;
}

static void contents_survive_random_steps(void **state)
{
	struct arena *a = arena_new(64u << 20);

	(void)state;
	assert_non_null(a);
	assert_int_equal(random_steps(a, 1, 20000), 0);
	assert_true(arena_peak(a) > 0 && arena_peak(a) <= 64u << 20);
	arena_free(a);
}

static void contents_survive_exhaustion(void **state)
{
	struct arena *a = arena_new(1u << 20);
	unsigned long refused;

	(void)state;
	refused = random_steps(a, 2, 20000);
	assert_true(refused > 100);
	assert_int_equal(arena_failed(a), refused);
	assert_true(arena_peak(a) <= 1u << 20);
	arena_free(a);
}

static void every_size_fits_its_block(void **state)
{
	struct arena *a = arena_new(128u << 20);
	uint8_t *last = NULL;
	size_t last_size = 0;

	(void)state;
	for (size_t size = 1; size < 12000; size++) {
		uint8_t *at = arena_realloc(a, NULL, 0, size);

		assert_non_null(at);
		if (last)
			assert_true(at >= last + last_size);
		memset(at, 0xa5, size);
		last = at;
		last_size = size;
	}
	arena_free(a);
}

/* A class is at most a quarter larger than what is asked for, or the cap means little. */
static void waste_is_bounded(void **state)
{
	struct arena *a = arena_new(64u << 20);

	(void)state;
	for (size_t size = 16; size < 4u << 20; size += size / 5 + 1) {
		void *at = arena_realloc(a, NULL, 0, size);

		assert_true(arena_used(a) >= size);
		assert_true(arena_used(a) <= size + size / 4 + 16);
		arena_realloc(a, at, size, 0);
	}
	arena_free(a);
}

static void freed_blocks_are_used_again(void **state)
{
	struct arena *a = arena_new(PAGE);
	size_t peak;
	void *at;

	(void)state;
	at = arena_realloc(a, NULL, 0, 100);
	assert_ptr_equal(arena_realloc(a, at, 100, 112), at); /* in its class it stays in place */
	arena_realloc(a, at, 112, 0);
	peak = arena_peak(a);
	for (int i = 0; i < 1000; i++)
		arena_realloc(a, arena_realloc(a, NULL, 0, 97 + (size_t)i % 16),
			      97 + (size_t)i % 16, 0);
	assert_int_equal(arena_peak(a), peak);
	arena_free(a);
}

static void shrinking_works_in_a_full_arena(void **state)
{
	struct arena *a = arena_new(PAGE);
	uint8_t *big = arena_realloc(a, NULL, 0, PAGE);
	uint8_t *small;

	(void)state;
	assert_non_null(big);
	memset(big, 0x5a, PAGE);
	assert_null(arena_realloc(a, NULL, 0, 1));
	small = arena_realloc(a, big, PAGE, 40);
	assert_non_null(small);
	assert_int_equal(small[39], 0x5a);
	assert_int_equal(arena_used(a), 48);
	arena_realloc(a, small, 40, 0);
	assert_int_equal(arena_used(a), 0);
	assert_non_null(arena_realloc(a, NULL, 0, 48));
	arena_free(a);
}

static void odd_requests_are_refused(void **state)
{
	struct arena *a = arena_new(PAGE);
	uint8_t *at = arena_realloc(a, NULL, 0, 10);

	(void)state;
	assert_null(arena_new(0));
	assert_null(arena_new(SIZE_MAX));
	memset(at, 0x77, 10);
	assert_null(arena_realloc(a, NULL, 0, SIZE_MAX));
	assert_null(arena_realloc(a, at, 10, SIZE_MAX - 8));
	assert_null(arena_realloc(a, at, 10, PAGE + 1));
	assert_int_equal(at[9], 0x77);
	assert_int_equal(arena_failed(a), 3);
	/* Lua may pass a kind of object as the old size of nothing. */
	assert_non_null(arena_realloc(a, NULL, 5, 16));
	assert_null(arena_realloc(a, NULL, 5, 0));
	arena_free(a);
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_survive_random_steps),
		cmocka_unit_test(contents_survive_exhaustion),
		cmocka_unit_test(every_size_fits_its_block),
		cmocka_unit_test(waste_is_bounded),
		cmocka_unit_test(freed_blocks_are_used_again),
		cmocka_unit_test(shrinking_works_in_a_full_arena),
		cmocka_unit_test(odd_requests_are_refused),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
