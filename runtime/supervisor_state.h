/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor_state.h - private to supervisor.c (the loop, beginning and end), watchdog.c (what is
 * looked at in every tick) and succession.c (which worker decides, and which comes next).
 *
 * The life of workers: at most one is `loading`, at most one `active`, at most one `dying`. A
 * loading one that is ready becomes active when the active one has retired, or when the dying
 * one has been waited for; only then are rings and table free for it.
 */
#ifndef SCXLUA_SUPERVISOR_STATE_H
#define SCXLUA_SUPERVISOR_STATE_H

#include "crew.h"
#include "kernel.h"
#include "options.h"
#include "remote.h"
#include "report.h"
#include "session.h"
#include "table.h"

#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC 1000000000ull

enum {
	GRACE_S = 10,	  /* a new script is on trial for this long */
	MAX_FAILURES = 3, /* ... within FAILURE_WINDOW_S: give up until the next reload */
	FAILURE_WINDOW_S = 30,
	RETIRE_MS = 1000, /* an idle worker looks up at its heartbeat only */
};

struct supervisor {
	struct session *session;
	const struct options *opt;
	struct remote *remote;
	struct kernel *kernel;
	struct table *table;
	const struct library *library;
	struct member member[CREW_SLOTS];
	struct member *active;	/* decides, or has been told to go */
	struct member *loading; /* becomes active when it is ready */
	struct member *dying;  /* was active and is lost; until it is waited for nobody is active */
	struct script *script; /* of the active worker, or of the last one */
	struct script *fallback; /* the last that proved itself, while `script` is on trial */
	struct script *next;	 /* of the loading worker, if that is a reload */
	int signal_fd, wake_fd, timer_fd;
	uint32_t nr_wakes; /* since the last tick */

	bool attached, stop;
	bool error_said;
	bool restart;	    /* start `script` again when `dying` is gone */
	enum status status; /* why it stopped */
	bool asked_to_stop;
	uint64_t activated_ns, retire_ns, retry_ns;
	uint64_t failure_ns[MAX_FAILURES];
	uint32_t nr_failures;
	uint32_t lost_exits, sweep_pos;
	bool sweeping;
	uint64_t errors_seen, calls_seen; /* at the begin of the window ... */
	uint64_t bad_seen, decisions_seen;
	uint32_t error_ticks;

	uint64_t stats_asked_ns;
	struct report report; /* counters of workers that are gone, and our own */
	struct report shown;  /* at the last live line */
	uint64_t shown_ns;
};

uint64_t supervisor_now_ns(void);

/* All figures of now. */
void supervisor_report(struct supervisor *s, struct report *r);

/* Kills what overran, failed or did not retire in time; looks for threads that are gone. */
void watchdog_tick(struct supervisor *s, uint64_t now_ns);

/* Starts a worker for `script`, which becomes s->loading. 0 or -errno. */
int start_worker(struct supervisor *s, const struct script *script);

/* The loading worker says that it is ready. */
void on_ready(struct supervisor *s);

/* The active worker says that it has stopped at a batch boundary. */
void on_retired(struct supervisor *s);

/* A member has been waited for. */
void member_ended(struct supervisor *s, struct member *m, int wait_status);

/* The active worker is lost, or has to be: it is killed, the built-in policy takes over. */
void active_lost(struct supervisor *s, const char *why);

/* The loading worker cannot be used. */
void loading_failed(struct supervisor *s, const char *why);

/* Starts again what was lost, if that is wanted and possible now. */
void start_again(struct supervisor *s);

/* Reads the script and starts a worker for it; the active one goes on. */
void start_reload(struct supervisor *s);

/* The script on trial has proved itself, or is given up. */
void end_trial(struct supervisor *s);

/*
 * Reads the policy that the user named, unless others can change it. 0, or -1 and one line in
 * error[POLICY_ERROR_LEN].
 */
int read_policy(const struct options *opt, const char *path, struct script **script, char *error);

/* Frees *script unless it is in use under another name; *script is NULL then. */
void drop_script(struct supervisor *s, struct script **script);

/* Adds one worker's counters to another set. */
void add_engine(struct engine_stats *to, const struct engine_stats *from);

/* What the policy's stats() said last, if a new answer is there. */
void keep_policy_stats(struct supervisor *s, struct member *m);

/* The figures of a worker go into the totals, once, when it is gone. */
void keep_figures(struct supervisor *s, struct member *m);

#endif
