// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_run_command.c - the life of a command of `scxlua run`. On a kernel without the class
 * SCHED_EXT none can be started: those cases are skips there.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_command.h"
#include "status.h"

#ifndef SCHED_EXT
#define SCHED_EXT 7
#endif

/* An argv; b and c may be NULL. In static memory, until the next call. */
static char *const *words(const char *a, const char *b, const char *c)
{
	static char text[3][64];
	static char *argv[4];
	const char *const from[3] = { a, b, c };

	for (int i = 0; i < 3; i++) {
		snprintf(text[i], sizeof(text[i]), "%s", from[i] ? from[i] : "");
		argv[i] = from[i] ? text[i] : NULL;
	}
	return argv;
}

static void needs_the_class(void)
{
	struct sched_param param = { 0 };
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(sched_setscheduler(0, SCHED_EXT, &param) != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		skip();
}

/* Until it has ended, for at most 10 s. */
static void ends(struct run_command *c)
{
	for (int i = 0; i < 1000 && !run_command_poll(c); i++)
		usleep(10000);
	assert_true(run_command_poll(c));
	assert_false(run_command_is_running(c));
}

static void has_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Runs a script in a shell to its end: its status. */
static int status_of(const char *script)
{
	struct run_command c = { 0 };

	assert_int_equal(run_command_fork(&c, words("sh", "-c", script)), 0);
	run_command_go(&c);
	ends(&c);
	run_command_close(&c);
	has_no_child();
	return run_command_status(&c, STATUS_OK);
}

/* ---- tests ---- */

static void no_command_is_none(void **state)
{
	struct run_command c = { 0 };

	(void)state;
	run_command_go(&c);
	assert_false(run_command_is_running(&c));
	assert_false(run_command_poll(&c));
	assert_false(run_command_reaped(&c, 0, 0));
	assert_false(run_command_signal(&c, SIGINT, false));
	run_command_close(&c);
	assert_int_equal(run_command_status(&c, STATUS_OK), STATUS_OK);
	assert_int_equal(run_command_status(&c, STATUS_EJECTED), STATUS_EJECTED);
}

static void one_that_is_not_started_leaves_nothing(void **state)
{
	struct run_command c = { 0 };

	(void)state;
	assert_int_equal(run_command_fork(&c, words("true", NULL, NULL)), 0);
	assert_false(run_command_is_running(&c));
	assert_false(run_command_poll(&c));
	run_command_close(&c);
	has_no_child();
	run_command_close(&c); /* again */
	assert_int_equal(run_command_status(&c, STATUS_BUSY), STATUS_BUSY);
	/* Not a success: it has not run. */
	assert_int_equal(run_command_status(&c, STATUS_OK), STATUS_FAILED);
}

static void a_signal_before_the_start_is_ours(void **state)
{
	struct run_command c = { 0 };

	(void)state;
	assert_int_equal(run_command_fork(&c, words("true", NULL, NULL)), 0);
	assert_false(run_command_signal(&c, SIGTERM, false));
	run_command_close(&c);
	assert_int_equal(run_command_status(&c, STATUS_OK), 128 + SIGTERM);
	assert_int_equal(run_command_status(&c, STATUS_NO_ROOT), STATUS_NO_ROOT);
}

/* Ctrl-C while we load: the terminal sends it to the waiting child, too. */
static void one_that_is_killed_before_the_start(void **state)
{
	struct run_command c = { 0 };

	(void)state;
	assert_int_equal(run_command_fork(&c, words("true", NULL, NULL)), 0);
	assert_int_equal(kill(c.pid, SIGINT), 0);
	ends(&c);
	run_command_go(&c);
	assert_false(run_command_is_running(&c));
	run_command_close(&c);
	has_no_child();
	assert_int_equal(run_command_status(&c, STATUS_OK), 128 + SIGINT);
}

/* It ends when what forked it is gone. */
static void one_whose_parent_is_killed(void **state)
{
	struct pollfd fd = { .events = POLLIN };
	int pipes[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		struct run_command c = { 0 };

		run_command_fork(&c, words("true", NULL, NULL));
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	close(pipes[1]);
	fd.fd = pipes[0]; /* the child of the child has the other end */
	assert_int_equal(poll(&fd, 1, 10000), 1);
	close(pipes[0]);
}

static void ends_as_the_command_does(void **state)
{
	(void)state;
	needs_the_class();
	assert_int_equal(status_of("exit 0"), 0);
	assert_int_equal(status_of("exit 7"), 7);
	assert_int_equal(status_of("kill -KILL $$"), 128 + SIGKILL);
}

static void says_what_cannot_be_run(void **state)
{
	struct run_command c = { 0 };

	(void)state;
	needs_the_class();
	assert_int_equal(run_command_fork(&c, words("/nowhere/none", NULL, NULL)), 0);
	run_command_go(&c);
	ends(&c);
	assert_int_equal(run_command_status(&c, STATUS_OK), STATUS_NO_COMMAND);
	run_command_close(&c);
	assert_int_equal(run_command_fork(&c, words("/", NULL, NULL)), 0);
	run_command_go(&c);
	ends(&c);
	assert_int_equal(run_command_status(&c, STATUS_EJECTED), STATUS_CANNOT_RUN);
	run_command_close(&c);
}

static void a_running_one_gets_the_signals(void **state)
{
	struct run_command c = { 0 };

	(void)state;
	needs_the_class();
	assert_int_equal(run_command_fork(&c, words("sleep", "100", NULL)), 0);
	run_command_go(&c);
	assert_true(run_command_is_running(&c));
	assert_true(run_command_signal(&c, SIGTERM, true)); /* it has it already */
	usleep(100000);
	assert_false(run_command_poll(&c));
	assert_true(run_command_signal(&c, SIGTERM, false));
	ends(&c);
	run_command_close(&c);
	has_no_child();
	assert_int_equal(run_command_status(&c, STATUS_EJECTED), 128 + SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_command_is_none),
		cmocka_unit_test(one_that_is_not_started_leaves_nothing),
		cmocka_unit_test(a_signal_before_the_start_is_ours),
		cmocka_unit_test(one_that_is_killed_before_the_start),
		cmocka_unit_test(one_whose_parent_is_killed),
		cmocka_unit_test(ends_as_the_command_does),
		cmocka_unit_test(says_what_cannot_be_run),
		cmocka_unit_test(a_running_one_gets_the_signals),
	};

	signal(SIGPIPE, SIG_IGN); /* as in the supervisor */
	return cmocka_run_group_tests_name("run_command", tests, NULL, NULL);
}
