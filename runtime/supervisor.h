/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor.h - the process that owns the scheduler: it is never in the scheduling path.
 *
 * Loads and attaches the BPF side, starts workers, watches them, replaces them. One thread,
 * one poll() loop over signals, worker events and a timer:
 *
 *   SIGINT, SIGTERM	detach, report, end; if there is a command: to that, and end when it ends
 *   SIGHUP		read the script again; a second worker loads it while the first goes on
 *			deciding; when it is ready the first retires at a batch boundary and the
 *			second takes over tasks and data[]. A failure on the way costs a log line
 *   worker lost	bypass at once, the rings and the table cleaned, the script started anew,
 *			or, within GRACE of a reload, the one before it; three in 30 s: bypass
 *			until the next SIGHUP
 *   kernel's exit	report it and end, or attach anew if it asks for that
 */
#ifndef SCXLUA_SUPERVISOR_H
#define SCXLUA_SUPERVISOR_H

#include "options.h"

/*
 * Runs until told to stop, or until the command of `scxlua run` ends. Says on standard error what
 * went wrong. Returns the exit status: one of status.h, or that of the command.
 */
int supervisor_run(const struct options *opt);

#endif
