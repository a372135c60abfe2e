// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_log.c - lines to a reader that does not read: dropped and counted, never waited for. Each case
 * is a child of its own, which an alarm ends if it waits.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

enum { LINES = 2000, PATIENCE_S = 10 };

static int terminal(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	return fd;
}

/* Much more than fits. 0 if some of it was dropped, and what others share blocks as before. */
static int write_lines(int fd, bool opened)
{
	alarm(PATIENCE_S);
	if (dup2(fd, STDERR_FILENO) < 0)
		return 2;
	if (opened)
		log_open();
	for (int i = 0; i < LINES; i++)
		log_line("%d: a line that is longer than what is left of the space sometimes", i);
	if (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK)
		return 3;
	return log_dropped() ? 0 : 4;
}

static int ends_with(int fd, bool opened)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(write_lines(fd, opened));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_terminal_that_does_not_read(void **state)
{
	int master = terminal(), slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	char line[64];

	(void)state;
	assert_true(slave >= 0);
	assert_int_equal(ends_with(slave, true), 0);
	assert_true(read(master, line, sizeof(line)) > 0);
	assert_memory_equal(line, "scxlua: 0: a line", 17);
	close(slave);
	close(master);
}

static void a_pipe_that_is_full(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(ends_with(fd[1], true), 0);
	assert_int_equal(ends_with(fd[1], false), 0);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_that_does_not_read),
		cmocka_unit_test(a_pipe_that_is_full),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
