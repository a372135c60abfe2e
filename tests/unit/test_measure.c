// SPDX-License-Identifier: GPL-2.0-only
/* test_measure.c - the numbers that the tests in the VM judge by: quantiles, means, arguments. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

static jmp_buf died;
static char last_words[200];
static struct samples s;

/* In the program it ends the process; here it ends the call that failed. */
void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_words, sizeof(last_words), fmt, ap);
	va_end(ap);
	longjmp(died, 1);
}

enum call { PARSE, ITEM, APPEND };

static struct samples small;
static long seconds = 10, number[2];
static const char *name = "none";
static const struct setting table[] = {
	{ "seconds", .number = &seconds, 1, 60, .help = "" },
	{ "name", .text = &name, .help = "" },
	{ 0 },
};

/* Makes the call with a copy of the text; it must die, and say so in these words. */
static void assert_dies(enum call call, const char *argument, const char *words)
{
	char text[64];
	char *argv[] = { text };

	snprintf(text, sizeof(text), "%s", argument);
	if (!setjmp(died)) {
		if (call == PARSE)
			settings_parse(table, 1, argv);
		else if (call == ITEM)
			settings_item(text, number, 2, 8);
		else
			samples_append(&small, &s);
		fail_msg("'%s' did not die", argument);
	}
	if (!strstr(last_words, words))
		fail_msg("'%s' does not say '%s'", last_words, words);
}

static int setup(void **state)
{
	(void)state;
	samples_init(&s, 1000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	samples_free(&s);
	return 0;
}

static void nothing_measured_is_zero(void **state)
{
	(void)state;
	assert_int_equal(samples_quantile(&s, 500), 0);
	assert_int_equal(samples_mean(&s), 0);
}

static void quantiles_are_members(void **state)
{
	(void)state;
	for (int i = 100; i >= 1; i--)
		assert_true(samples_add(&s, (uint64_t)i));
	assert_int_equal(samples_quantile(&s, 0), 1);
	assert_int_equal(samples_quantile(&s, 10), 1);
	assert_int_equal(samples_quantile(&s, 11), 2);
	assert_int_equal(samples_quantile(&s, 500), 50);
	assert_int_equal(samples_quantile(&s, 990), 99);
	assert_int_equal(samples_quantile(&s, 991), 100);
	assert_int_equal(samples_quantile(&s, 1000), 100);
	assert_int_equal(samples_quantile(&s, 2000), 100);
	assert_int_equal(samples_mean(&s), 51); /* 50.5, rounded up */
}

static void a_later_sample_counts(void **state)
{
	(void)state;
	samples_add(&s, 7);
	assert_int_equal(samples_quantile(&s, 1000), 7);
	samples_add(&s, 3);
	assert_int_equal(samples_quantile(&s, 0), 3);
	assert_int_equal(samples_quantile(&s, 1000), 7);
}

static void quantiles_are_ranks(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 1000; i++)
		samples_add(&s, unit_below(&seed, 500));
	for (unsigned int permille = 1; permille <= 1000; permille++) {
		uint64_t q = samples_quantile(&s, permille);
		size_t below = 0, up_to = 0;

		for (size_t i = 0; i < s.n; i++) {
			below += s.value[i] < q;
			up_to += s.value[i] <= q;
		}
		assert_true(below < permille && up_to >= permille);
	}
}

static void full_takes_no_more(void **state)
{
	(void)state;
	samples_init(&small, 2);
	assert_true(samples_add(&small, 1));
	assert_true(samples_add(&small, 2));
	assert_false(samples_add(&small, 3));
	assert_int_equal(samples_quantile(&small, 1000), 2);
	samples_append(&s, &small);
	samples_append(&s, &small);
	assert_int_equal(s.n, 4);
	assert_dies(APPEND, "", "no room");
	samples_free(&small);
}

static void off_is_relative(void **state)
{
	(void)state;
	assert_int_equal(off_permille(0.5, 0.5), 0);
	assert_int_equal(off_permille(0.55, 0.5), 100);
	assert_int_equal(off_permille(0.45, 0.5), 100);
	assert_int_equal(off_permille(0, 0.5), 1000);
}

static void settings_take_what_they_know(void **state)
{
	char a[] = "seconds=3", b[] = "first", c[] = "name=ui", d[] = "second:1";
	char *argv[] = { a, b, c, d };

	(void)state;
	assert_int_equal(settings_parse(table, 4, argv), 2);
	assert_int_equal(seconds, 3);
	assert_string_equal(name, "ui");
	assert_string_equal(argv[0], "first");
	assert_string_equal(argv[1], "second:1");
}

static void wrong_settings_are_named(void **state)
{
	static const char *const wrong[][2] = {
		{ "seconds=0", "seconds: expected 1..60, got '0'" },
		{ "seconds=61", "expected 1..60" },
		{ "seconds=", "expected 1..60" },
		{ "seconds=3s", "expected 1..60" },
		{ "seconds=99999999999999999999", "expected 1..60" },
		{ "second=3", "no setting 'second'" },
		{ "name=", "name: expected 1..15 characters" },
		{ "name=0123456789abcdef", "name: expected 1..15 characters" },
	};

	(void)state;
	seconds = 10;
	name = "none";
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_dies(PARSE, wrong[i][0], wrong[i][1]);
	assert_int_equal(seconds, 10);
	assert_string_equal(name, "none");
}

static void items_have_all_their_numbers(void **state)
{
	static const char *const wrong[] = { "ui",
					     "ui:1",
					     "ui:1:2:3",
					     "ui:1:x",
					     "ui:0:1",
					     "ui:1:9",
					     ":1:2",
					     "ui::2",
					     "ui:1:",
					     "",
					     "0123456789abcdef:1:2" };
	char good[] = "ui:3:8";

	(void)state;
	assert_string_equal(settings_item(good, number, 2, 8), "ui");
	assert_int_equal(number[0], 3);
	assert_int_equal(number[1], 8);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_dies(ITEM, wrong[i], "expected");
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(nothing_measured_is_zero),	    test(quantiles_are_members),
		test(a_later_sample_counts),	    test(quantiles_are_ranks),
		test(full_takes_no_more),	    test(off_is_relative),
		test(settings_take_what_they_know), test(wrong_settings_are_named),
		test(items_have_all_their_numbers),
	};

	return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
