// SPDX-License-Identifier: GPL-2.0-only
/* control.c - see control.h. */
#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_text.h"

/* What a client waits for. */
enum want {
	WANT_NOTHING,
	WANT_RELOAD_NEXT, /* the reload that has not begun */
	WANT_RELOAD,	  /* the one that runs */
	WANT_SET_TURN,	  /* another client's setting to be done first */
	WANT_SET,	  /* its own setting to be made */
};

struct client {
	enum want want;
	uint64_t order; /* of settings: first come, first served */
	char key[CONTROL_KEY_LEN], value[CONTROL_VALUE_LEN];
	char path[CONTROL_PATH_LEN]; /* of a reload; "" if none was given */
};

struct control {
	struct server *server;
	const struct control_ops *ops;
	void *arg;
	uint64_t order;
	bool is_setting; /* one is under way, though its client may be gone */
	struct client client[SERVER_PEERS];
};

/* ---- answers ---- */

/* Takes over `value`; a NULL anywhere drops the client. */
static void answer(struct control *c, uint32_t peer, const char *key, json_t *value)
{
	json_t *o = json_object();
	char *text = NULL;
	int err = !o || json_object_set_new(o, "ok", json_boolean(strcmp(key, "error")));

	if (err)
		json_decref(value);
	else
		err = json_object_set_new(o, key, value);
	if (!err)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	c->client[peer].want = WANT_NOTHING;
	server_answer(c->server, peer, text);
}

static void answer_error(struct control *c, uint32_t peer, const char *error)
{
	answer(c, peer, "error", json_text(error));
}

/* ---- commands ---- */

/* Each gets the request without its "cmd"; returns 0, or -1 and a complaint in error. */

static int has_more(json_t *request, const char *command, char *error)
{
	const char *key = json_object_iter_key(json_object_iter(request));

	if (!key)
		return 0;
	snprintf(error, CONTROL_TEXT_LEN, "%s: unknown member %s", command, key);
	return -1;
}

static int do_status(struct control *c, uint32_t peer, json_t *request, char *error)
{
	if (has_more(request, "status", error))
		return -1;
	answer(c, peer, "status", c->ops->status(c->arg));
	return 0;
}

static int do_stats(struct control *c, uint32_t peer, json_t *request, char *error)
{
	if (has_more(request, "stats", error))
		return -1;
	answer(c, peer, "stats", c->ops->stats(c->arg));
	return 0;
}

static int do_line(struct control *c, uint32_t peer, json_t *request, char *error)
{
	char line[CONTROL_LINE_LEN] = "";

	if (has_more(request, "line", error))
		return -1;
	c->ops->line(peer, line, c->arg);
	answer(c, peer, "line", json_text(line));
	return 0;
}

/* The last file wins: who waits for another one that has not begun is told. */
static void supersede(struct control *c, const char *path)
{
	char error[CONTROL_TEXT_LEN];

	snprintf(error, sizeof(error), "superseded: %.*s was asked for meanwhile",
		 CONTROL_TEXT_LEN - 64, path);
	for (uint32_t i = 0; i < SERVER_PEERS; i++)
		if (c->client[i].want == WANT_RELOAD_NEXT && strcmp(c->client[i].path, path))
			answer_error(c, i, error);
}

static int do_reload(struct control *c, uint32_t peer, json_t *request, char *error)
{
	struct client *client = &c->client[peer];
	json_t *path = json_object_get(request, "path");
	const char *text = path ? json_string_value(path) : "";

	if (path && (!text || text[0] != '/' || strlen(text) >= CONTROL_PATH_LEN)) {
		snprintf(error, CONTROL_TEXT_LEN, "reload: path: expected an absolute path");
		return -1;
	}
	snprintf(client->path, sizeof(client->path), "%s", text);
	json_object_del(request, "path");
	if (has_more(request, "reload", error))
		return -1;
	if (client->path[0])
		supersede(c, client->path);
	client->want = WANT_RELOAD_NEXT;
	c->ops->reload(client->path[0] ? client->path : NULL, c->arg);
	return 0;
}

/* A value may be given as it is or as text. 0, or -1 if it is neither or too long. */
static int value_text(const json_t *value, char *text)
{
	int n = -1;

	if (json_is_string(value))
		n = snprintf(text, CONTROL_VALUE_LEN, "%s", json_string_value(value));
	else if (json_is_integer(value))
		n = snprintf(text, CONTROL_VALUE_LEN, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		n = snprintf(text, CONTROL_VALUE_LEN, "%.17g", json_real_value(value));
	else if (json_is_boolean(value))
		n = snprintf(text, CONTROL_VALUE_LEN, "%s", json_is_true(value) ? "true" : "false");
	return n < 0 || n >= CONTROL_VALUE_LEN ? -1 : 0;
}

/* Starts the setting that has waited longest, if none is under way. */
static void next_setting(struct control *c)
{
	char error[CONTROL_TEXT_LEN];

	while (!c->is_setting) {
		uint32_t first = SERVER_PEERS;

		for (uint32_t i = 0; i < SERVER_PEERS; i++)
			if (c->client[i].want == WANT_SET_TURN &&
			    (first == SERVER_PEERS || c->client[i].order < c->client[first].order))
				first = i;
		if (first == SERVER_PEERS)
			return;
		c->is_setting = true;
		c->client[first].want = WANT_SET;
		if (!c->ops->set(c->client[first].key, c->client[first].value, error, c->arg))
			return;
		c->is_setting = false;
		answer_error(c, first, error);
	}
}

static int do_set(struct control *c, uint32_t peer, json_t *request, char *error)
{
	struct client *client = &c->client[peer];
	const char *key = json_string_value(json_object_get(request, "key"));

	if (!key || !*key || strlen(key) >= CONTROL_KEY_LEN) {
		snprintf(error, CONTROL_TEXT_LEN, "set: key: expected a string of 1..%d bytes",
			 CONTROL_KEY_LEN - 1);
		return -1;
	}
	snprintf(client->key, sizeof(client->key), "%s", key);
	if (value_text(json_object_get(request, "value"), client->value)) {
		snprintf(error, CONTROL_TEXT_LEN,
			 "set: value: expected a string of at most %d bytes, a number or a boolean",
			 CONTROL_VALUE_LEN - 1);
		return -1;
	}
	json_object_del(request, "key");
	json_object_del(request, "value");
	if (has_more(request, "set", error))
		return -1;
	client->want = WANT_SET_TURN;
	client->order = ++c->order;
	next_setting(c);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct control *c, uint32_t peer, json_t *request, char *error);
} commands[] = {
	{ "status", do_status }, { "stats", do_stats }, { "line", do_line },
	{ "reload", do_reload }, { "set", do_set },
};

enum { NR_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int run_command(struct control *c, uint32_t peer, json_t *request, char *error)
{
	const char *name = json_string_value(json_object_get(request, "cmd"));
	int n;

	for (size_t i = 0; name && i < NR_COMMANDS; i++) {
		if (strcmp(name, commands[i].name))
			continue;
		json_object_del(request, "cmd"); /* `name` is gone with it */
		return commands[i].run(c, peer, request, error);
	}
	n = snprintf(error, CONTROL_TEXT_LEN,
		     "%s%.64s; there are:", name ? "unknown cmd " : "no cmd", name ? name : "");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		n += snprintf(error + n, CONTROL_TEXT_LEN - (size_t)n, " %s", commands[i].name);
	return -1;
}

static void on_line(uint32_t peer, const char *line, size_t len, void *arg)
{
	struct control *c = arg;
	char error[CONTROL_TEXT_LEN];
	json_error_t where;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);

	if (!request) {
		snprintf(error, sizeof(error), "not JSON: %s", where.text);
		answer_error(c, peer, error);
	} else if (!json_is_object(request)) {
		answer_error(c, peer, "not a JSON object");
	} else if (run_command(c, peer, request, error)) {
		answer_error(c, peer, error);
	}
	json_decref(request);
}

static void on_gone(uint32_t peer, void *arg)
{
	struct control *c = arg;

	/* A setting under way goes on: control_set_done() finds nobody to tell. */
	c->client[peer].want = WANT_NOTHING;
	c->ops->line_end(peer, c->arg);
}

/* ---- the interface ---- */

int control_open(struct control **out, const char *path, uid_t uid, const struct control_ops *ops,
		 void *arg, char *error)
{
	struct control *c = calloc(1, sizeof(*c));
	struct server_args args = {
		.path = path,
		.dir_mode = 0700,
		.uid = uid,
		.on_line = on_line,
		.on_gone = on_gone,
		.arg = c,
		.too_many = "{\"ok\":false,\"error\":\"too many clients\"}",
		.too_long = "{\"ok\":false,\"error\":\"line too long\"}",
	};
	int err;

	if (!c) {
		snprintf(error, SERVER_ERROR_LEN, "cannot make %.*s: out of memory",
			 SERVER_ERROR_LEN - 100, path);
		return -ENOMEM;
	}
	c->ops = ops;
	c->arg = arg;
	err = server_open(&c->server, &args, error);
	if (err)
		free(c);
	else
		*out = c;
	return err;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	server_close(c->server);
	free(c);
}

struct server *control_server(struct control *c)
{
	return c ? c->server : NULL;
}

const char *control_dir(void)
{
	const char *dir = secure_getenv("SCXLUA_RUNDIR");

	return dir && *dir ? dir : "/run/scxlua";
}

const char *control_path(void)
{
	static char path[CONTROL_PATH_LEN];

	snprintf(path, sizeof(path), "%s/control", control_dir());
	return path;
}

void control_reload_begins(struct control *c)
{
	for (uint32_t i = 0; c && i < SERVER_PEERS; i++)
		if (c->client[i].want == WANT_RELOAD_NEXT)
			c->client[i].want = WANT_RELOAD;
}

void control_reloaded(struct control *c, json_t *outcome, const char *error)
{
	for (uint32_t i = 0; c && i < SERVER_PEERS; i++) {
		if (c->client[i].want != WANT_RELOAD)
			continue;
		if (error)
			answer_error(c, i, error);
		else
			answer(c, i, "reload", json_incref(outcome));
	}
	json_decref(outcome);
}

void control_set_done(struct control *c, const char *error)
{
	for (uint32_t i = 0; c && i < SERVER_PEERS; i++) {
		struct client *client = &c->client[i];

		if (client->want != WANT_SET)
			continue;
		if (error)
			answer_error(c, i, error);
		else
			answer(c, i, "set",
			       json_pack("{s:o,s:o}", "key", json_text(client->key), "value",
					 json_text(client->value)));
	}
	if (!c)
		return;
	c->is_setting = false;
	next_setting(c);
}
