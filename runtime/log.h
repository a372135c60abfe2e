/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - one line per event, to standard error.
 *
 * Leaves do not log; the supervisor and main do. A reader that does not read (a full pipe, a
 * stopped terminal) must not stop the scheduler: a line that cannot be written now is dropped
 * and counted, and the next line that can says how many were.
 */
#ifndef SCXLUA_LOG_H
#define SCXLUA_LOG_H

#include <stddef.h>

/* Writes "scxlua: " and the message and a newline. Newlines within become spaces. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes text as it is to a descriptor, in the same way: now, or not at all. */
void log_output(int fd, const char *text, size_t len);

/* Lines dropped so far. */
unsigned long log_dropped(void);

#endif
