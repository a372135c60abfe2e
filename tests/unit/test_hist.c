// SPDX-License-Identifier: GPL-2.0-only
/* test_hist.c - the histogram against the sorted values themselves. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "hist.h"

enum { NR_VALUES = 10000 };

static struct hist a, b, both;
static uint64_t value[NR_VALUES];

static int clear(void **state)
{
	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(&both, 0, sizeof(both));
	return 0;
}

static int by_value(const void *x, const void *y)
{
	uint64_t l = *(const uint64_t *)x, r = *(const uint64_t *)y;

	return l < r ? -1 : l > r;
}

static void empty_has_no_quantile(void **state)
{
	(void)state;
	assert_int_equal(hist_quantile(&a, 0.5), 0);
	hist_merge(&a, &b);
	assert_int_equal(a.count, 0);
}

static void small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 16; v++) {
		clear(NULL);
		hist_add(&a, v);
		hist_add(&a, 1000);
		assert_int_equal(hist_quantile(&a, 0.5), v);
		assert_int_equal(hist_quantile(&a, 1), 1000);
	}
}

static void extremes_have_a_bucket(void **state)
{
	(void)state;
	hist_add(&a, UINT64_MAX);
	assert_int_equal(a.bucket[HIST_BUCKETS - 1], 1);
	assert_true(hist_quantile(&a, 0) == UINT64_MAX);
	for (unsigned int bit = 0; bit < 64; bit++) {
		hist_add(&b, 1ull << bit);
		hist_add(&b, (1ull << bit) - 1);
	}
	assert_int_equal(b.count, 128);
	assert_int_equal(hist_quantile(&b, 0), 0);
	assert_true(hist_quantile(&b, 1) == 1ull << 63);
}

static void odd_quantiles_are_clamped(void **state)
{
	(void)state;
	hist_add(&a, 5);
	hist_add(&a, 7);
	assert_int_equal(hist_quantile(&a, -1), 5);
	assert_int_equal(hist_quantile(&a, 2), 7);
	assert_int_equal(hist_quantile(&a, __builtin_nan("")), 5);
}

/* Values over the whole range: the exponent is random, then the digits. */
static void fill_random(uint64_t *seed)
{
	for (int i = 0; i < NR_VALUES; i++) {
		value[i] = unit_random(seed) >> unit_below(seed, 64);
		hist_add(&a, value[i]);
	}
	qsort(value, NR_VALUES, sizeof(value[0]), by_value);
}

static void quantiles_are_within_an_eighth(void **state)
{
	uint64_t seed = 1;

	(void)state;
	fill_random(&seed);
	for (int i = 1; i <= 1000; i++) {
		uint64_t exact = value[NR_VALUES / 1000 * i - 1];
		uint64_t got = hist_quantile(&a, i / 1000.0);

		assert_true(got >= exact);
		assert_true(got - exact <= exact / HIST_STEPS);
	}
	assert_int_equal(a.max, value[NR_VALUES - 1]);
}

static void merge_is_adding_both(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (int i = 0; i < NR_VALUES; i++) {
		uint64_t v = unit_random(&seed) >> unit_below(&seed, 64);

		hist_add(i % 3 ? &a : &b, v);
		hist_add(&both, v);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_has_no_quantile, clear),
		cmocka_unit_test_setup(small_values_are_exact, clear),
		cmocka_unit_test_setup(extremes_have_a_bucket, clear),
		cmocka_unit_test_setup(odd_quantiles_are_clamped, clear),
		cmocka_unit_test_setup(quantiles_are_within_an_eighth, clear),
		cmocka_unit_test_setup(merge_is_adding_both, clear),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
