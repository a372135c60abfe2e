// SPDX-License-Identifier: GPL-2.0-only
/* check_report.c - what the check found, as text or as JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "check_state.h"

/* Bytes per task below which it is not the tasks: a trace compiled late, a table grown once. */
static const double noise_bytes = 0.05;

struct problem_row {
	size_t offset; /* of the counter in struct engine_stats */
	const char *text;
};

static const struct problem_row problem_rows[] = {
	{ offsetof(struct engine_stats, policy_errors), "hook calls raised an error" },
	{ offsetof(struct engine_stats, reject_unknown),
	  "decisions for something that is not a task" },
	{ offsetof(struct engine_stats, reject_twice),
	  "tasks dispatched twice, or while not waiting for a decision" },
	{ offsetof(struct engine_stats, bad_cpu), "decisions with an impossible cpu" },
	{ offsetof(struct engine_stats, bad_slice), "decisions with an impossible slice_ns" },
	{ offsetof(struct engine_stats, bad_vtime), "decisions with an impossible vtime" },
	{ offsetof(struct engine_stats, bad_flags), "decisions with unknown flags" },
};

/* One line per problem to `say`; returns how many. */
static int each_problem(const struct check *c, void (*say)(const char *line, void *arg), void *arg)
{
	char line[POLICY_ERROR_LEN];
	int nr = 0;

	if (c->fatal[0] && ++nr)
		say(c->fatal, arg);
	if (c->hook_error[0] && ++nr)
		say(c->hook_error, arg);
	for (size_t i = 0; i < sizeof(problem_rows) / sizeof(problem_rows[0]); i++) {
		const char *at = (const char *)&c->stats + problem_rows[i].offset;
		uint64_t value;

		memcpy(&value, at, sizeof(value));
		if (!value)
			continue;
		snprintf(line, sizeof(line), "%llu %s", (unsigned long long)value,
			 problem_rows[i].text);
		say(line, arg);
		nr++;
	}
	return nr;
}

/* The same for what is measured rather than counted. */
static int each_measure(const struct check *c, void (*say)(const char *line, void *arg), void *arg)
{
	char line[POLICY_ERROR_LEN];
	int nr = 0;

	if (c->never && ++nr) {
		snprintf(line, sizeof(line), "%llu of %llu tasks were never dispatched",
			 (unsigned long long)c->never, (unsigned long long)c->stats.received);
		say(line, arg);
	}
	if (c->bytes_per_task > noise_bytes && ++nr) {
		snprintf(line, sizeof(line),
			 "%.1f bytes allocated per task: a table, string, closure or boxed number "
			 "made in a hook",
			 c->bytes_per_task);
		say(line, arg);
	}
	for (uint32_t i = 0; i < c->nr_aborts && ++nr; i++) {
		snprintf(line, sizeof(line), "%s (not compiled, %u times)", c->abort[i].text,
			 c->abort[i].times);
		say(line, arg);
	}
	return nr;
}

static void say_nothing(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

static void say_text(const char *line, void *arg)
{
	fprintf(arg, "  %s\n", line);
}

static void say_json(const char *line, void *arg)
{
	json_array_append_new(arg, json_string(line));
}

static double ns_per_task(const struct check *c)
{
	return c->stats.received ? (double)c->engine_ns / (double)c->stats.received : 0;
}

static void print_text(const struct check *c, const struct script *s, int problems)
{
	if (problems)
		printf("%s: %d problem%s\n", s->path, problems, problems == 1 ? "" : "s");
	else
		printf("%s: ok\n", s->path);
	each_problem(c, say_text, stdout);
	each_measure(c, say_text, stdout);
	if (c->warning[0])
		printf("  note: %s\n", c->warning);
	if (!c->fatal[0])
		printf("  policy %s: %llu tasks in %llu batches, %.0f ns per task, %.2f bytes "
		       "allocated per task\n",
		       c->name, (unsigned long long)c->stats.received,
		       (unsigned long long)c->stats.batches, ns_per_task(c), c->bytes_per_task);
}

static json_t *counters_json(const struct engine_stats *stats)
{
	json_t *o = json_object();

#define PUT_COUNTER(name, help)                                                                    \
	json_object_set_new(o, #name, json_integer((json_int_t)stats->name));
	ENGINE_COUNTERS(PUT_COUNTER)
#undef PUT_COUNTER
	return o;
}

static int print_json(const struct check *c, const struct script *s, int status, const char *file)
{
	json_t *problems = json_array(), *o;
	char hash[17];
	int err;

	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)s->hash);
	each_problem(c, say_json, problems);
	each_measure(c, say_json, problems);
	o = json_pack("{s:s, s:s, s:s, s:i, s:o, s:s, s:f, s:f, s:I, s:o}", "policy", c->name,
		      "path", s->path, "hash", hash, "status", status, "problems", problems, "note",
		      c->warning, "ns_per_task", ns_per_task(c), "bytes_per_task",
		      c->bytes_per_task, "never_dispatched", (json_int_t)c->never, "engine",
		      counters_json(&c->stats));
	if (!o)
		return -ENOMEM;
	if (!strcmp(file, "-"))
		err = json_dumpf(o, stdout, JSON_COMPACT) || putchar('\n') == EOF;
	else
		err = json_dump_file(o, file, JSON_COMPACT);
	json_decref(o);
	return err ? -EIO : 0;
}

int check_report(const struct check *c, const struct script *s, const struct check_args *args)
{
	int problems = each_problem(c, say_nothing, NULL) + each_measure(c, say_nothing, NULL);
	int status = c->fatal[0] ? 2 : problems ? 1 : 0;

	if (!args->json) {
		print_text(c, s, problems);
	} else if (print_json(c, s, status, args->json)) {
		fprintf(stderr, "scxlua: cannot write %s\n", args->json);
		return 1;
	}
	return status;
}
