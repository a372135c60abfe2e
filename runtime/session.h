/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - private to the supervisor: what outlives an attachment, from the command line to the
 * exit status. session.c attaches again as long as the kernel asks for that, and says how it ended.
 */
#ifndef SCXLUA_SESSION_H
#define SCXLUA_SESSION_H

#include <signal.h>

#include "compaction.h"
#include "options.h"
#include "remote.h"
#include "report.h"
#include "run_command.h"

struct session {
	const struct options *opt;
	const struct library *library;
	struct remote remote;
	struct run_command command;   /* of `scxlua run` */
	struct compaction compaction; /* held while attached */
	struct script *script;	      /* that runs, or ran last */

	/* Of attachments that are over. */
	struct report total;	 /* their counters */
	struct scxlua_exit exit; /* how the last one ended */
	bool was_attached;	 /* there was one */
	bool is_exit_said;
	bool has_scheduled; /* the last one came so far that a policy decided */
	bool is_compaction_said;
	sigset_t old_mask;
};

/* What comes through a signalfd: blocked all the time, also between two attachments. */
sigset_t session_signals(const struct session *x);

/* `scxlua run`: the output is the command's, and we say only what went wrong, unless asked (-v). */
bool session_is_quiet(const struct session *x);

/* One attachment, from load to detach; STATUS_RESTART: the kernel asks for another. supervisor.c */
enum status supervise(struct session *x);

/* It has ended: keeps how, and says so unless it begins anew. `dump` is the kernel's. */
void session_detached(struct session *x, const struct scxlua_exit *exit, const char *dump,
		      enum status status);

/* For compaction.h, with a line on standard error if it cannot be done. */
void session_recover(struct session *x);
void session_hold(struct session *x);
void session_release(struct session *x);

#endif
