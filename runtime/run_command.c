// SPDX-License-Identifier: GPL-2.0-only
/* run_command.c - see run_command.h. */
#define _GNU_SOURCE
#include "run_command.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "status.h"

#ifndef SCHED_EXT
#define SCHED_EXT 7
#endif

enum { STATUS_SIGNAL = 128 };

/* True when told to go, false if who should tell is gone. */
static bool wait_to_go(int fd)
{
	ssize_t n;
	char go;

	do
		n = read(fd, &go, sizeof(go));
	while (n < 0 && errno == EINTR);
	return n == sizeof(go);
}

/* In the child. Not named scxlua meanwhile: signals that are for one by name are not for it. */
_Noreturn static void execute(char *const *argv, int go_fd)
{
	struct sched_param param = { 0 };
	int err;

	prctl(PR_SET_NAME, "scxlua-command");
	if (!wait_to_go(go_fd))
		_exit(STATUS_FAILED);
	if (sched_setscheduler(0, SCHED_EXT, &param)) {
		log_line("cannot run %s in the class SCHED_EXT: %s", argv[0], strerror(errno));
		_exit(STATUS_CANNOT_RUN);
	}
	execvp(argv[0], argv);
	err = errno;
	log_line("cannot run %s: %s", argv[0], strerror(err));
	_exit(err == ENOENT ? STATUS_NO_COMMAND : STATUS_CANNOT_RUN);
}

int run_command_fork(struct run_command *c, char *const *argv)
{
	int fd[2], err;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return -errno;
	pid = fork();
	err = pid < 0 ? -errno : 0;
	if (!pid) {
		close(fd[1]);
		execute(argv, fd[0]);
	}
	close(fd[0]);
	if (err) {
		close(fd[1]);
		return err;
	}
	signal(SIGCHLD, SIG_DFL); /* one that is ignored, as it may be inherited, reports no end */
	*c = (struct run_command){ .argv = argv, .pid = pid, .go_fd = fd[1] };
	return 0;
}

void run_command_go(struct run_command *c)
{
	if (!c->argv || c->has_started || c->has_ended)
		return;
	/* Fails only if it has just ended, which is noticed. */
	c->has_started = write(c->go_fd, "", 1) == 1;
}

bool run_command_is_running(const struct run_command *c)
{
	return c->has_started && !c->has_ended;
}

bool run_command_reaped(struct run_command *c, pid_t pid, int wait_status)
{
	if (!c->argv || c->has_ended || pid != c->pid)
		return false;
	c->has_ended = true;
	c->wait_status = wait_status;
	return true;
}

bool run_command_poll(struct run_command *c)
{
	int status;

	if (c->argv && !c->has_ended && waitpid(c->pid, &status, WNOHANG) == c->pid)
		run_command_reaped(c, c->pid, status);
	return c->has_ended;
}

bool run_command_signal(struct run_command *c, int signo, bool is_from_terminal)
{
	if (!run_command_is_running(c)) {
		c->stop_signal = signo;
		return false;
	}
	if (!is_from_terminal || getpgid(c->pid) != getpgrp())
		kill(c->pid, signo);
	return true;
}

void run_command_close(struct run_command *c)
{
	int status;

	if (!c->argv || c->go_fd < 0)
		return;
	close(c->go_fd);
	c->go_fd = -1;
	if (c->has_started || c->has_ended)
		return;
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
}

int run_command_status(const struct run_command *c, int ours)
{
	if (!c->argv || (!c->has_started && ours != STATUS_OK))
		return ours;
	if (c->has_ended && WIFSIGNALED(c->wait_status))
		return STATUS_SIGNAL + WTERMSIG(c->wait_status);
	if (c->has_ended)
		return WEXITSTATUS(c->wait_status);
	return c->stop_signal ? STATUS_SIGNAL + c->stop_signal : STATUS_FAILED;
}
