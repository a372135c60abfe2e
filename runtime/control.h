/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control.h - the protocol by which a running scxlua is asked and steered.
 *
 * A line of JSON each way, on the socket that control_path() names:
 *
 *   {"cmd":"status"}				{"ok":true,"status":{...}}
 *   {"cmd":"stats"}				{"ok":true,"stats":{...}}, the keys of the JSON file
 *   {"cmd":"line"}				{"ok":true,"line":"..."}, the live line: rates since
 *						this client's last one, "" the first time
 *   {"cmd":"reload","path":"/..."}		{"ok":true,"reload":{...}} when it is done; without
 *						a path: the file of the running script
 *   {"cmd":"set","key":"..","value":..}	{"ok":true,"set":{...}} when the policy has it
 *
 * What cannot be done is answered {"ok":false,"error":"..."}. This module knows the protocol and
 * who waits for what; what the commands do is its caller's (struct control_ops).
 */
#ifndef SCXLUA_CONTROL_H
#define SCXLUA_CONTROL_H

#include "server.h"

enum {
	CONTROL_KEY_LEN = 64,	 /* of an option's name, with the NUL */
	CONTROL_VALUE_LEN = 256, /* of its value */
	CONTROL_PATH_LEN = 4096,
	CONTROL_TEXT_LEN = 1024, /* of an error */
	CONTROL_LINE_LEN = 2048, /* of a live line */
};

struct json_t;
struct control;

struct control_ops {
	/* A new object each, NULL if memory is short. */
	struct json_t *(*status)(void *arg);
	struct json_t *(*stats)(void *arg);
	/* The live line for client number `peer`, into line[CONTROL_LINE_LEN]. */
	void (*line)(uint32_t peer, char *line, void *arg);
	/* The client is gone: what was kept for its next line may go too. */
	void (*line_end)(uint32_t peer, void *arg);
	/*
	 * Asks for a reload, of `path` or, if NULL, of the running script's file. The answer comes
	 * by control_reloaded(). One that is not running yet is replaced by the next: its clients
	 * are told so here.
	 */
	void (*reload)(const char *path, void *arg);
	/*
	 * Asks for a setting; one at a time. 0: the answer comes by control_set_done(). -1 and
	 * error[CONTROL_TEXT_LEN]: it cannot be.
	 */
	int (*set)(const char *key, const char *value, char *error, void *arg);
};

/*
 * Listens on `path`; `uid` and root may ask. Errors as of server_open(). The caller polls the
 * server, see server.h; control_server() is NULL if c is.
 */
int control_open(struct control **out, const char *path, uid_t uid, const struct control_ops *ops,
		 void *arg, char *error);
void control_close(struct control *c);
struct server *control_server(struct control *c);

/* Where what belongs to the one that runs is: $SCXLUA_RUNDIR or /run/scxlua. */
const char *control_dir(void);

/* The socket: /control there. In static memory. */
const char *control_path(void);

/* The reload that was asked for begins now: who asks from here on waits for another one. */
void control_reload_begins(struct control *c);

/* It has ended: error, or NULL and what is answered under "reload" (taken over). NULL c is fine. */
void control_reloaded(struct control *c, struct json_t *outcome, const char *error);

/* The setting has been made, or error says why not. The next one may be asked for from within. */
void control_set_done(struct control *c, const char *error);

#endif
