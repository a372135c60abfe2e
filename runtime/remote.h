/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remote.h - private to the supervisor: what is asked of it from outside while it runs, and who is
 * told what. Commands (control.h), statistics (scx_stats.h), the service manager (notify.h).
 *
 * It outlives the attachments: when the kernel asks to be attached anew, clients stay connected
 * and settings stay made. Everything here is called from the supervisor's one thread, and
 * nothing blocks.
 */
#ifndef SCXLUA_REMOTE_H
#define SCXLUA_REMOTE_H

#include "control.h"
#include "notify.h"
#include "options.h"
#include "scx_stats.h"

struct supervisor;

/* An option that was set at run time: kept for every worker that comes after. */
struct setting {
	char key[CONTROL_KEY_LEN], value[CONTROL_VALUE_LEN];
};

/* How the last reload went. */
struct reload_outcome {
	const char *outcome; /* "ok", "failed", "rolled back"; NULL = there was none */
	char path[CONTROL_PATH_LEN], error[CONTROL_TEXT_LEN];
	uint64_t hash, generation;
	uint64_t load_ns;  /* from its begin to the switch */
	uint64_t pause_ns; /* without decisions */
	uint64_t ended_ns;
};

struct remote {
	struct control *control; /* NULL: it could not be opened */
	struct scx_stats *stats;
	struct notify notify;
	struct supervisor *s; /* NULL between two attachments */
	bool is_open;
	uint64_t started_ns;
	char error[CONTROL_TEXT_LEN]; /* why a worker was lost; "" once a script was reloaded */

	/* Reload: at most one is under way, at most one is wanted after it; the last file wins. */
	bool reload_wanted;
	char reload_path[CONTROL_PATH_LEN]; /* "": the file of the running script */
	uint64_t reload_begin_ns;
	struct reload_outcome last;

	/* Settings that were made, and how many of them the active worker has been told. */
	struct setting setting[MAX_POLICY_OPTIONS];
	uint32_t nr_settings, nr_told;
	/* The one that a client asks for and waits for. */
	struct setting asked;
	bool is_asked;
	uint64_t asked_ns;
	/* What is in the worker's mailbox: nothing, one that it is told, or one that was asked for. */
	enum { MAIL_NONE, MAIL_TOLD, MAIL_ASKED } mail;
	struct setting mailed;
	bool is_mailed_late; /* nobody waits for its answer any more */

	/* The live line of each client: the report before. */
	struct report *shown[SERVER_PEERS];
	uint64_t shown_ns[SERVER_PEERS];
};

/*
 * Opens what there is to open, once. STATUS_OK, also without a socket that could not be made,
 * which is logged; STATUS_BUSY if another scxlua has it.
 */
enum status remote_open(struct remote *r);
/* Nothing is scheduled any more: no more clients, only the service manager. */
void remote_hang_up(struct remote *r);
void remote_close(struct remote *r);

/* A supervisor begins, or ends (NULL), to answer. */
void remote_attend(struct remote *r, struct supervisor *s);

/* For poll(): the descriptors of both sockets, each may be -1; then what was readable. */
void remote_fds(const struct remote *r, int fd[2]);
void remote_serve(struct remote *r, uint64_t now_ns);
void remote_tick(struct remote *r, uint64_t now_ns);

/* What happened, from succession.c. */
void remote_attached(struct remote *r);
void remote_activated(struct remote *r); /* a worker: it has to be told the settings */
void remote_reload_begins(struct remote *r);
/* error: NULL if it went well; then the outcome is that of the running script. */
void remote_reload_ends(struct remote *r, const char *path, uint64_t pause_ns, const char *error);
void remote_rolled_back(struct remote *r, const char *why);

/* The active worker has answered, or may have: takes the answer, gives it the next setting. */
void remote_mail(struct remote *r, uint64_t now_ns);

#endif
