// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_compaction.c - what becomes of the sysctl and the note about it, in a directory of its own
 * with a file in the place of the sysctl.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compaction.h"

static char dir[64];
static struct compaction c;

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void holds(const char *path, const char *text)
{
	char line[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, text);
}

/* Nor is there one that is half written. */
static void has_no_note(void)
{
	char half[COMPACTION_PATH_LEN + 8];

	snprintf(half, sizeof(half), "%s.new", c.note);
	assert_int_equal(access(c.note, F_OK), -1);
	assert_int_equal(access(half, F_OK), -1);
}

/* One that was just started, after whatever another has left. */
static void begin(void)
{
	compaction_init(&c, dir);
	snprintf(c.sysctl, sizeof(c.sysctl), "%s/sysctl", dir);
}

static int set_up(void **state)
{
	(void)state;
	umask(022);
	snprintf(dir, sizeof(dir), "/tmp/compaction.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	begin();
	put(c.sysctl, "1\n");
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* ---- tests ---- */

static void the_paths_are_the_kernels_and_ours(void **state)
{
	struct compaction real;

	(void)state;
	compaction_init(&real, "/run/scxlua");
	assert_string_equal(real.sysctl, "/proc/sys/vm/compact_unevictable_allowed");
	assert_string_equal(real.note, "/run/scxlua/compact_unevictable_allowed");
}

static void is_held_and_released(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(compaction_recover(&c), 0);
		assert_int_equal(compaction_hold(&c), 0);
		holds(c.sysctl, "0");
		holds(c.note, "1");
		assert_int_equal(compaction_release(&c), 0);
		holds(c.sysctl, "1");
		has_no_note();
	}
	assert_int_equal(compaction_release(&c), 0); /* once more */
	holds(c.sysctl, "1");
}

static void a_zero_is_left_as_it_is(void **state)
{
	(void)state;
	put(c.sysctl, "0\n");
	assert_int_equal(compaction_hold(&c), 0);
	has_no_note();
	put(c.sysctl, "1\n"); /* by somebody else */
	assert_int_equal(compaction_release(&c), 0);
	holds(c.sysctl, "1");
}

static void what_a_killed_one_left_is_restored(void **state)
{
	(void)state;
	assert_int_equal(compaction_hold(&c), 0);
	begin();
	assert_int_equal(compaction_recover(&c), 0);
	holds(c.sysctl, "1");
	has_no_note();
	assert_int_equal(compaction_hold(&c), 0);
	holds(c.sysctl, "0");
	assert_int_equal(compaction_release(&c), 0);
	holds(c.sysctl, "1");
}

/* Killed between the note and the change, or while it wrote the note. */
static void a_note_without_a_change_is_harmless(void **state)
{
	char half[COMPACTION_PATH_LEN + 8];

	(void)state;
	put(c.note, "1");
	assert_int_equal(compaction_recover(&c), 0);
	holds(c.sysctl, "1");
	has_no_note();
	snprintf(half, sizeof(half), "%s.new", c.note);
	put(half, "");
	assert_int_equal(compaction_hold(&c), 0);
	holds(c.note, "1");
	assert_int_equal(compaction_release(&c), 0);
	has_no_note();
}

static void what_others_set_meanwhile_stays(void **state)
{
	(void)state;
	put(c.sysctl, "2\n");
	assert_int_equal(compaction_hold(&c), 0);
	put(c.sysctl, "1\n");
	assert_int_equal(compaction_release(&c), 0);
	holds(c.sysctl, "1");
	has_no_note();
}

static void without_the_sysctl_nothing_is_done(void **state)
{
	(void)state;
	assert_int_equal(unlink(c.sysctl), 0);
	assert_int_equal(compaction_recover(&c), 0);
	assert_int_equal(compaction_hold(&c), 0);
	assert_int_equal(compaction_release(&c), 0);
	assert_int_equal(access(c.sysctl, F_OK), -1);
	has_no_note();
}

static void what_cannot_be_noted_is_not_changed(void **state)
{
	(void)state;
	snprintf(c.note, sizeof(c.note), "%s/none/note", dir);
	assert_int_equal(compaction_hold(&c), -ENOENT);
	holds(c.sysctl, "1");
	assert_int_equal(compaction_release(&c), 0);
}

/* As in a container, for which /proc/sys is read-only. */
static void what_cannot_be_changed_is_not_noted(void **state)
{
	(void)state;
	if (!geteuid())
		skip(); /* root may write whatever the mode says */
	assert_int_equal(chmod(c.sysctl, 0444), 0);
	assert_int_equal(compaction_hold(&c), -EACCES);
	has_no_note();
}

static void only_a_note_of_ours_is_believed(void **state)
{
	(void)state;
	put(c.sysctl, "0\n");
	put(c.note, "1");
	assert_int_equal(chmod(c.note, 0666), 0);
	assert_int_equal(compaction_recover(&c), -EPERM);
	assert_int_equal(unlink(c.note), 0);
	assert_int_equal(symlink("sysctl", c.note), 0);
	assert_int_equal(compaction_recover(&c), -EPERM);
	assert_int_equal(unlink(c.note), 0);
	assert_int_equal(mkfifo(c.note, 0600), 0);
	assert_int_equal(compaction_recover(&c), -EPERM);
	holds(c.sysctl, "0");
}

static void a_note_is_a_number(void **state)
{
	static const char *const text[] = { "", "\n", "x", "-1", "1x", "1 2", "11111111111111111" };

	(void)state;
	put(c.sysctl, "0\n");
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		put(c.note, text[i]);
		assert_int_equal(compaction_recover(&c), -EINVAL);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_paths_are_the_kernels_and_ours),
		TEST(is_held_and_released),
		TEST(a_zero_is_left_as_it_is),
		TEST(what_a_killed_one_left_is_restored),
		TEST(a_note_without_a_change_is_harmless),
		TEST(what_others_set_meanwhile_stays),
		TEST(without_the_sysctl_nothing_is_done),
		TEST(what_cannot_be_noted_is_not_changed),
		TEST(what_cannot_be_changed_is_not_noted),
		TEST(only_a_note_of_ours_is_believed),
		TEST(a_note_is_a_number),
	};

	return cmocka_run_group_tests_name("compaction", tests, NULL, NULL);
}
