// SPDX-License-Identifier: GPL-2.0-only
/* scx_stats.c - see scx_stats.h. */
#define _GNU_SOURCE
#include "scx_stats.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"

#define TOP_NAME "Metrics" /* of the struct, as in most scx schedulers */
#define TOP_HELP "scxlua: totals since the start, unless they say otherwise"
#define STAT_NAME "PolicyStat"
#define STAT_HELP "figures of the policy's own, as its stats(t) gives them"

struct scx_stats {
	struct server *server;
	void (*get)(struct report *r, void *arg);
	void *arg;
	struct report report; /* of the current request: too large for the stack */
};

/* An object being filled by report_walk(). */
struct filling {
	json_t *o;
	int err;
};

/* ---- what is answered ---- */

static void put_value(const struct report_figure *figure, void *arg)
{
	struct filling *f = arg;

	f->err |= json_object_set_new(f->o, figure->name,
				      figure->text ? json_text(figure->text) :
						     json_integer((json_int_t)figure->value));
}

static void put_meta(const struct report_figure *figure, void *arg)
{
	struct filling *f = arg;
	json_t *field = json_pack("{s:s,s:s}", "datum", figure->text ? "string" : "u64", "desc",
				  figure->help);

	/* OpenMetrics has no texts. */
	if (figure->text)
		f->err |=
			json_object_set_new(field, "user", json_pack("{s:s}", "_om_skip", "true"));
	f->err |= json_object_set_new(f->o, figure->name, field);
}

/* An object with one member per figure; NULL if memory is short. */
static json_t *walk(const struct report *r,
		    void (*put)(const struct report_figure *figure, void *arg))
{
	struct filling f = { .o = json_object() };

	if (f.o)
		report_walk(r, put, &f);
	if (!f.err)
		return f.o;
	json_decref(f.o);
	return NULL;
}

/*
 * What the policy says is a dict of structs with one member, because that is the only nesting that
 * the relay can walk. Numbers that JSON does not have are left out.
 */
static json_t *top(const struct report *r)
{
	json_t *o = walk(r, put_value), *stats = json_object();

	for (uint32_t i = 0; i < r->stats.nr; i++)
		json_object_set_new(stats, r->stats.stat[i].key,
				    json_pack("{s:f}", "value", r->stats.stat[i].value));
	if (!json_object_set_new(o, "policy_stats", stats))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *meta_of_policy_stats(void)
{
	return json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:{s:s,s:s}}}", "name", STAT_NAME, "desc",
			 STAT_HELP, "user", "_om_prefix", "scxlua_policy_", "_om_label", "stat",
			 "fields", "value", "datum", "float", "desc", STAT_HELP);
}

static json_t *meta(const struct report *r)
{
	json_t *fields = walk(r, put_meta);

	json_object_set_new(fields, "policy_stats",
			    json_pack("{s:{s:s,s:{s:s}},s:s}", "dict", "key", "string", "datum",
				      "struct", STAT_NAME, "desc", STAT_HELP));
	return json_pack("{s:{s:s,s:s,s:s,s:{s:s},s:o},s:o}", TOP_NAME, "name", TOP_NAME, "top",
			 "true", "desc", TOP_HELP, "user", "_om_prefix", "scxlua_", "fields",
			 fields, STAT_NAME, meta_of_policy_stats());
}

static void answer(struct scx_stats *s, uint32_t peer, int err, json_t *resp)
{
	json_t *o = json_pack("{s:i,s:{s:o}}", "errno", err, "args", "resp", resp);

	server_answer(s->server, peer, o ? json_dumps(o, JSON_COMPACT) : NULL);
	json_decref(o);
}

/* ---- requests ---- */

static json_t *respond(struct scx_stats *s, const json_t *request, const char **error)
{
	const char *req = json_string_value(json_object_get(request, "req"));
	const json_t *target = json_object_get(json_object_get(request, "args"), "target");

	if (!req || (strcmp(req, "stats") && strcmp(req, "stats_meta"))) {
		*error = "unknown request; there are: stats stats_meta";
		return NULL;
	}
	if (target && (!json_is_string(target) || strcmp(json_string_value(target), "top"))) {
		*error = "unknown target; there is: top";
		return NULL;
	}
	s->get(&s->report, s->arg);
	return strcmp(req, "stats") ? meta(&s->report) : top(&s->report);
}

static void on_line(uint32_t peer, const char *line, size_t len, void *arg)
{
	struct scx_stats *s = arg;
	const char *error = "not a JSON object";
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL), *resp = NULL;

	if (json_is_object(request)) {
		error = NULL;
		resp = respond(s, request, &error);
	}
	if (error)
		answer(s, peer, EINVAL, json_string(error));
	else
		answer(s, peer, 0, resp);
	json_decref(request);
}

/* ---- the interface ---- */

int scx_stats_open(struct scx_stats **out, const char *path, uid_t uid,
		   void (*get)(struct report *r, void *arg), void *arg, char *error)
{
	struct scx_stats *s = calloc(1, sizeof(*s));
	struct server_args args = {
		.path = path,
		.dir_mode = 0755,
		.uid = uid,
		.on_line = on_line,
		.arg = s,
		.too_many = "{\"errno\":11,\"args\":{\"resp\":\"too many clients\"}}",
		.too_long = "{\"errno\":7,\"args\":{\"resp\":\"line too long\"}}",
	};
	int err;

	if (!s) {
		snprintf(error, SERVER_ERROR_LEN, "cannot make %.*s: out of memory",
			 SERVER_ERROR_LEN - 100, path);
		return -ENOMEM;
	}
	s->get = get;
	s->arg = arg;
	err = server_open(&s->server, &args, error);
	if (err)
		free(s);
	else
		*out = s;
	return err;
}

void scx_stats_close(struct scx_stats *s)
{
	if (!s)
		return;
	server_close(s->server);
	free(s);
}

struct server *scx_stats_server(struct scx_stats *s)
{
	return s ? s->server : NULL;
}

static void help_width(const struct report_figure *figure, void *arg)
{
	int *width = arg, len = (int)strlen(figure->name);

	*width = len > *width ? len : *width;
}

struct help {
	FILE *f;
	int width;
};

static void help_line(const struct report_figure *figure, void *arg)
{
	const struct help *help = arg;

	fprintf(help->f, "  %-*s %-8s : %s\n", help->width, figure->name,
		figure->text ? "(string)" : "(u64)", figure->help);
}

void scx_stats_help(FILE *f)
{
	static const struct report none;
	struct help help = { .f = f };

	report_walk(&none, help_width, &help.width);
	fprintf(f, "[%s] %s\n", TOP_NAME, TOP_HELP);
	report_walk(&none, help_line, &help);
	fprintf(f, "  %-*s %-8s : %s\n", help.width, "policy_stats", "(dict)", STAT_HELP);
}
