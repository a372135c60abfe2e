// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_LEN = 2048 }; /* below PIPE_BUF: a pipe takes it whole or not at all */

static unsigned long dropped, dropped_said;
static int unblocked[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };

void log_open(void)
{
	char path[32];
	int fd, own;

	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		if (!isatty(fd))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (own >= 0)
			unblocked[fd] = own;
	}
}

void log_take_stderr(void)
{
	if (dup2(unblocked[STDERR_FILENO], STDERR_FILENO) == STDERR_FILENO)
		unblocked[STDERR_FILENO] = STDERR_FILENO;
}

void log_output(int fd, const char *text, size_t len)
{
	static bool is_cut; /* the last line, by a terminal */
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	ssize_t written;

	if (fd >= STDIN_FILENO && fd <= STDERR_FILENO)
		fd = poll_fd.fd = unblocked[fd];
	if (poll(&poll_fd, 1, 0) != 1 || !(poll_fd.revents & POLLOUT) ||
	    (is_cut && write(fd, "\n", 1) != 1)) {
		dropped++;
		return;
	}
	written = write(fd, text, len);
	is_cut = written > 0 && (size_t)written < len;
	dropped += written != (ssize_t)len;
}

void log_line(const char *fmt, ...)
{
	char line[LINE_LEN] = "scxlua: ";
	unsigned long said_before;
	size_t len = strlen(line), i;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	len = strlen(line);
	for (i = 0; i < len; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[len++] = '\n';
	log_output(STDERR_FILENO, line, len);
	if (dropped == dropped_said)
		return;
	n = snprintf(line, sizeof(line), "scxlua: %lu log lines were dropped\n",
		     dropped - dropped_said);
	said_before = dropped_said;
	dropped_said = dropped;
	log_output(STDERR_FILENO, line, (size_t)n);
	if (dropped != dropped_said) {
		/* This line is none of those: say it again later. */
		dropped = dropped_said;
		dropped_said = said_before;
	}
}

unsigned long log_dropped(void)
{
	return dropped;
}
