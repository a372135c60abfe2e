// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_script_path.c - which policy files are opened and which are refused, in a directory of its
 * own. Only root can give files to somebody else: those cases are skips for others.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_lua.h"
#include "script_path.h"

enum { SOMEBODY = 54321 };

static char dir[64];
static char error[POLICY_ERROR_LEN];
static struct script_trust trust;

static const char *at(const char *name)
{
	static char path[4][256];
	static int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s%s%s", dir, name[0] ? "/" : "", name);
	return path[next];
}

static int nr_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int nr = 0;

	assert_non_null(d);
	while (readdir(d))
		nr++;
	closedir(d);
	return nr;
}

/* ---- one directory per test: DIR/policy.lua, DIR/sub/inner.lua ---- */

static void put(const char *name, mode_t mode)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "return {}", 9), 9);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	umask(022);
	snprintf(dir, sizeof(dir), "/tmp/script_path.XXXXXX");
	trust = (struct script_trust){ .root = 0, .user = geteuid() };
	if (!mkdtemp(dir) || mkdir(at("sub"), 0755))
		return -1;
	put("policy.lua", 0644);
	put("sub/inner.lua", 0644);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* Opens, and the file is the one with the text. */
static void opens(const char *path)
{
	int before = nr_descriptors(), fd;
	char text[16] = "";

	error[0] = '\0';
	fd = script_path_open(path, &trust, error);
	if (fd < 0)
		print_message("# %s\n", error);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text)), 9);
	assert_string_equal(text, "return {}");
	close(fd);
	assert_int_equal(nr_descriptors(), before);
}

/* Refuses, in these words. */
static void refuses(const char *path, const char *words)
{
	int before = nr_descriptors();

	error[0] = '\0';
	assert_int_equal(script_path_open(path, &trust, error), -1);
	if (!strstr(error, words))
		print_message("# %s, not: %s\n", error, words);
	assert_non_null(strstr(error, words));
	assert_int_equal(nr_descriptors(), before);
}

static void refuses_as_unsafe(const char *path, const char *words)
{
	refuses(path, words);
	assert_non_null(strstr(error, " is not safe to run: "));
	assert_non_null(strstr(error, "--allow-unsafe-path"));
}

static void needs_root(void)
{
	if (geteuid())
		skip();
}

/* ---- tests ---- */

static void opens_what_is_ours(void **state)
{
	(void)state;
	opens(at("policy.lua"));
	opens(at("sub/inner.lua"));
	opens(at("sub/../policy.lua"));
	opens(at("./sub//./inner.lua"));
}

static void opens_a_relative_path(void **state)
{
	char *before = getcwd(NULL, 0);

	(void)state;
	assert_int_equal(chdir(at("sub")), 0);
	opens("inner.lua");
	opens("../policy.lua");
	assert_int_equal(chmod(dir, 0777), 0);
	refuses_as_unsafe("inner.lua", "can be written by everyone (mode 0777)");
	assert_int_equal(chdir(before), 0);
	free(before);
}

static void refuses_a_writable_file(void **state)
{
	(void)state;
	put("policy.lua", 0666);
	refuses_as_unsafe(at("policy.lua"),
			  "policy.lua can be written by everyone (mode 0666); chmod go-w it");
	put("policy.lua", 0602);
	refuses_as_unsafe(at("policy.lua"), "can be written by everyone (mode 0602)");
}

static void refuses_a_writable_directory(void **state)
{
	(void)state;
	assert_int_equal(chmod(at("sub"), 0777), 0);
	refuses_as_unsafe(at("sub/inner.lua"), "sub can be written by everyone (mode 0777)");
	opens(at("policy.lua"));
	assert_int_equal(chmod(dir, 0757), 0);
	refuses_as_unsafe(at("policy.lua"), "can be written by everyone (mode 0757)");
}

/* As /tmp: others cannot replace what is ours there. */
static void a_sticky_directory_is_safe(void **state)
{
	(void)state;
	assert_int_equal(chmod(at("sub"), 01777), 0);
	opens(at("sub/inner.lua"));
	put("sub/inner.lua", 0666);
	refuses_as_unsafe(at("sub/inner.lua"), "inner.lua can be written by everyone");
}

static void groups_count_as_others(void **state)
{
	(void)state;
	needs_root();
	put("policy.lua", 0664);
	opens(at("policy.lua")); /* root's group */
	assert_int_equal(chown(at("policy.lua"), 0, SOMEBODY), 0);
	refuses_as_unsafe(at("policy.lua"),
			  "can be written by its group (mode 0664); chmod g-w it");
	put("policy.lua", 0644);
	opens(at("policy.lua"));
	assert_int_equal(chown(at("sub"), 0, SOMEBODY), 0);
	assert_int_equal(chmod(at("sub"), 0775), 0);
	refuses_as_unsafe(at("sub/inner.lua"), "sub can be written by its group (mode 0775)");
}

/* Debian's daemon has a group of its name, with nobody else in it, as users have there. */
static void a_private_group_is_its_owner(void **state)
{
	struct passwd *user = getpwnam("daemon");
	struct group *group = user ? getgrgid(user->pw_gid) : NULL;

	(void)state;
	needs_root();
	if (!group || strcmp(group->gr_name, "daemon") || *group->gr_mem)
		skip();
	trust.user = user->pw_uid;
	assert_int_equal(chown(at("policy.lua"), user->pw_uid, user->pw_gid), 0);
	assert_int_equal(chmod(at("policy.lua"), 0664), 0);
	opens(at("policy.lua"));
	assert_int_equal(chown(at("policy.lua"), 0, user->pw_gid), 0);
	refuses_as_unsafe(at("policy.lua"), "can be written by its group"); /* not root's own */
}

static void refuses_what_belongs_to_others(void **state)
{
	(void)state;
	needs_root();
	assert_int_equal(chown(at("policy.lua"), SOMEBODY, 0), 0);
	refuses_as_unsafe(at("policy.lua"), "policy.lua belongs to user 54321");
	assert_int_equal(chown(at("sub"), SOMEBODY, 0), 0);
	refuses_as_unsafe(at("sub/inner.lua"), "sub belongs to user 54321");
}

/* A file of the user's own, whom the caller of the function does not trust: root has no say. */
static void trusts_only_who_it_is_told(void **state)
{
	(void)state;
	if (!geteuid())
		skip();
	trust.user = 0;
	refuses_as_unsafe(at("policy.lua"), "belongs to user");
}

/* sudo scxlua, in a checkout in the home directory. */
static void the_user_who_called_sudo_is_trusted(void **state)
{
	(void)state;
	needs_root();
	assert_int_equal(chown(at("policy.lua"), SOMEBODY, SOMEBODY), 0);
	assert_int_equal(chown(dir, SOMEBODY, SOMEBODY), 0);
	trust.user = SOMEBODY;
	opens(at("policy.lua"));
	opens(at("sub/inner.lua"));
	/* There is no user of that number, so its group is nobody's own. */
	put("policy.lua", 0664);
	refuses_as_unsafe(at("policy.lua"), "can be written by its group");
}

static void follows_our_links(void **state)
{
	(void)state;
	assert_int_equal(symlink("policy.lua", at("relative")), 0);
	assert_int_equal(symlink(at("sub"), at("absolute")), 0);
	assert_int_equal(symlink("absolute/../relative", at("chain")), 0);
	opens(at("relative"));
	opens(at("absolute/inner.lua"));
	opens(at("chain"));
}

static void checks_where_links_lead(void **state)
{
	(void)state;
	assert_int_equal(symlink("sub/inner.lua", at("link")), 0);
	assert_int_equal(chmod(at("sub"), 0777), 0);
	refuses_as_unsafe(at("link"), "sub can be written by everyone");
	assert_int_equal(symlink("loop", at("loop")), 0);
	refuses(at("loop"), "cannot read");
	refuses(at("loop"), strerror(ELOOP));
}

/* A link of somebody else's could lead elsewhere the next time. */
static void refuses_links_of_others(void **state)
{
	(void)state;
	needs_root();
	assert_int_equal(symlink("policy.lua", at("link")), 0);
	assert_int_equal(lchown(at("link"), SOMEBODY, SOMEBODY), 0);
	refuses_as_unsafe(at("link"), "link is a symbolic link that belongs to user 54321");
}

static void says_what_cannot_be_read(void **state)
{
	(void)state;
	refuses(at("none.lua"), "none.lua: No such file or directory");
	refuses("", "No such file or directory");
	refuses(dir, "it is a directory, not a file");
	refuses("/", "it is a directory, not a file");
	refuses(at("sub/."), "it is a directory, not a file");
	refuses(at("policy.lua/"), "Not a directory");
	refuses(at("policy.lua/x"), "Not a directory");
	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	refuses(at("pipe"), "it is a device or pipe, not a file");
	refuses("/dev/null", "it is a device or pipe, not a file");
}

static void reads_a_script_by_the_same_rules(void **state)
{
	struct script *script;

	(void)state;
	assert_int_equal(script_read_trusted(&script, at("policy.lua"), &trust, error), 0);
	assert_string_equal(script->text, "return {}");
	script_free(script);
	put("policy.lua", 0666);
	assert_int_equal(script_read_trusted(&script, at("policy.lua"), &trust, error), -1);
	assert_non_null(strstr(error, "is not safe to run"));
	assert_int_equal(script_read_trusted(&script, at("policy.lua"), NULL, error), 0);
	script_free(script);
}

static void sudo_says_who_called(void **state)
{
	static const struct {
		const char *text;
		uid_t user;
	} cases[] = { { "1000", 1000 },
		      { "0", 0 },
		      { "", 0 },
		      { "-1", 0 },
		      { "10x", 0 },
		      { "root", 0 },
		      { "99999999999999", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(setenv("SUDO_UID", cases[i].text, 1), 0);
		assert_int_equal(script_trust().user, cases[i].user);
		assert_int_equal(script_trust().root, 0);
	}
	assert_int_equal(unsetenv("SUDO_UID"), 0);
	assert_int_equal(script_trust().user, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_what_is_ours),
		TEST(opens_a_relative_path),
		TEST(refuses_a_writable_file),
		TEST(refuses_a_writable_directory),
		TEST(a_sticky_directory_is_safe),
		TEST(groups_count_as_others),
		TEST(a_private_group_is_its_owner),
		TEST(refuses_what_belongs_to_others),
		TEST(trusts_only_who_it_is_told),
		TEST(the_user_who_called_sudo_is_trusted),
		TEST(follows_our_links),
		TEST(checks_where_links_lead),
		TEST(refuses_links_of_others),
		TEST(says_what_cannot_be_read),
		TEST(reads_a_script_by_the_same_rules),
		cmocka_unit_test(sudo_says_who_called),
	};

	return cmocka_run_group_tests_name("script_path", tests, NULL, NULL);
}
