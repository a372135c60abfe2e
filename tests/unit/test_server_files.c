// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_server_files.c - the line server's socket as a file: who may use it, what is done with files
 * in its way, and that two servers do not share it.
 */
#define _GNU_SOURCE
#include "server_rig.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void modes_keep_others_out(void **state)
{
	char dir[80];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/run", rig.dir);
	assert_int_equal(mode_of(dir), 0700);
	assert_int_equal(mode_of(rig.path), 0600);
}

static void closing_removes_the_file(void **state)
{
	(void)state;
	server_close(rig.server);
	rig.server = NULL;
	assert_int_equal(access(rig.path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
}

static void closing_leaves_the_file_of_another(void **state)
{
	struct server *first = rig.server;
	char error[SERVER_ERROR_LEN];

	(void)state;
	assert_int_equal(unlink(rig.path), 0);
	assert_int_equal(open_at(rig.path, error), 0);
	server_close(first);
	assert_int_equal(access(rig.path, F_OK), 0);
}

static void two_on_one_path(void **state)
{
	struct server *first = rig.server;
	char error[SERVER_ERROR_LEN];
	int fd;

	(void)state;
	assert_int_equal(open_at(rig.path, error), -EADDRINUSE);
	assert_non_null(strstr(error, rig.path));
	assert_non_null(strstr(error, "Address already in use"));
	assert_ptr_equal(rig.server, first);
	fd = dial(rig.path); /* the first is as it was */
	say(fd, "x\n");
	tick(1);
	assert_string_equal(hear(fd), "[x]\n");
	close(fd);
}

/* A socket that is bound and not listened to, as a process that was killed leaves it. */
static void leave_socket(const char *path)
{
	struct sockaddr_un addr = dial_addr(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
}

static void a_stale_file_is_replaced(void **state)
{
	char error[SERVER_ERROR_LEN];
	int fd;

	(void)state;
	server_close(rig.server);
	leave_socket(rig.path);
	assert_int_equal(open_at(rig.path, error), 0);
	assert_int_equal(mode_of(rig.path), 0600);
	fd = dial(rig.path);
	say(fd, "x\n");
	run();
	assert_string_equal(hear(fd), "[x]\n");
	close(fd);
}

static void what_is_no_socket_stays(void **state)
{
	char error[SERVER_ERROR_LEN], want[160];
	int fd;

	(void)state;
	server_close(rig.server);
	rig.server = NULL;
	fd = open(rig.path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(open_at(rig.path, error), -EEXIST);
	snprintf(want, sizeof(want), "%s is in the way: it is not a socket", rig.path);
	assert_string_equal(error, want);
	assert_int_equal(access(rig.path, F_OK), 0);
}

static void a_path_must_fit(void **state)
{
	struct server *first = rig.server;
	char error[SERVER_ERROR_LEN], path[512];

	(void)state;
	assert_int_equal(open_at("relative", error), -EINVAL);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(open_at(path, error), -EINVAL);
	assert_true(strlen(error) < SERVER_ERROR_LEN);
	snprintf(path, sizeof(path), "%s/sub", rig.path); /* below a socket */
	assert_int_equal(open_at(path, error), -ENOTDIR);
	assert_ptr_equal(rig.server, first);
}

/* The process whose start is at the same point holds the directory's lock. */
static void two_that_start_at_once(void **state)
{
	char error[SERVER_ERROR_LEN], dir[80];
	int fd;

	(void)state;
	server_close(rig.server);
	rig.server = NULL;
	snprintf(dir, sizeof(dir), "%s/run", rig.dir);
	fd = open(dir, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(open_at(rig.path, error), -EADDRINUSE);
	close(fd);
	assert_int_equal(open_at(rig.path, error), 0);
}

/* What another user gets; needs root to become one. */
static void another_user_is_refused(void **state)
{
	int fd, status;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(chmod(rig.dir, 0755) + chmod(rig.path, 0666), 0);
	*strrchr(rig.path, '/') = '\0';
	assert_int_equal(chmod(rig.path, 0755), 0);
	rig.path[strlen(rig.path)] = '/';
	pid = fork();
	if (!pid) {
		if (setresuid(65534, 65534, 65534))
			_exit(2);
		fd = dial(rig.path);
		if (fd < 0)
			_exit(3);
		say(fd, "x\n");
		server_serve(rig.server, rig.now);
		server_serve(rig.server, rig.now);
		_exit(strcmp(hear(fd), "EOF") ? 4 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(modes_keep_others_out),
		WITH_RIG(closing_removes_the_file),
		WITH_RIG(closing_leaves_the_file_of_another),
		WITH_RIG(two_on_one_path),
		WITH_RIG(a_stale_file_is_replaced),
		WITH_RIG(what_is_no_socket_stays),
		WITH_RIG(a_path_must_fit),
		WITH_RIG(two_that_start_at_once),
		WITH_RIG(another_user_is_refused),
	};

	return cmocka_run_group_tests_name("server_files", tests, NULL, NULL);
}
