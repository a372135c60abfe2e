/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - one line per event, to standard error.
 *
 * Leaves do not log; the supervisor and main do. A reader that does not read (a full pipe, a
 * stopped terminal) must not stop the scheduler: a line that cannot be written now is dropped, or
 * cut if a terminal takes a part of it, and counted, and the next line that can says how many were.
 */
#ifndef SCXLUA_LOG_H
#define SCXLUA_LOG_H

#include <stddef.h>

/*
 * Once, at the start of the scheduler: a terminal that has stopped reading (ssh without a peer) says
 * in poll() that it takes more, and a write of more than it takes blocks. So standard output and error
 * are written to through descriptors of our own, which do not block; whoever shares the old ones, as
 * a shell or the command of `run`, keeps them as they are. Without /proc all stays as it was.
 */
void log_open(void);

/* In a worker, which keeps standard error alone: that of log_open() becomes it. */
void log_take_stderr(void);

/* Writes "scxlua: " and the message and a newline. Newlines within become spaces. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes text as it is to a descriptor, in the same way: now, or not at all. */
void log_output(int fd, const char *text, size_t len);

/* Lines dropped so far. */
unsigned long log_dropped(void);

#endif
