// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_LEN = 2048 }; /* below PIPE_BUF: a pipe takes it whole or not at all */

static unsigned long dropped, dropped_said;

static void put(const char *line, size_t len)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT) ||
	    write(STDERR_FILENO, line, len) != (ssize_t)len)
		dropped++;
}

void log_line(const char *fmt, ...)
{
	char line[LINE_LEN] = "scxlua: ";
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
	put(line, len);
	if (dropped != dropped_said) {
		unsigned long before = dropped;

		n = snprintf(line, sizeof(line), "scxlua: %lu log lines were dropped\n",
			     dropped - dropped_said);
		dropped_said = before;
		put(line, (size_t)n);
	}
}

unsigned long log_dropped(void)
{
	return dropped;
}
