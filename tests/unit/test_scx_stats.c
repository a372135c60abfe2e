// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_scx_stats.c - the statistics protocol, by the rules of scx's clients: what rust/scx_stats
 * deserializes and what its OpenMetrics relay can walk.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <jansson.h>

#include "dial.h"
#include "scx_stats.h"

static struct {
	char dir[64], path[80];
	struct scx_stats *stats;
	int fd;
	uint32_t nr_gets;
} r;

static void get(struct report *report, void *arg)
{
	assert_ptr_equal(arg, &r);
	r.nr_gets++;
	memset(report, 0, sizeof(*report));
	strcpy(report->policy, "made_up");
	report->hash = 0xabc;
	report->generation = 3;
	report->bpf.queued = 12345678901234;
	report->engine.policy_errors = 5;
	report->reloads = 2;
	hist_add(&report->engine.batch_size, 4);
	report->stats = (struct policy_stats){
		.nr = 3, .stat = { { "held", 2.5 }, { "nan", __builtin_nan("") }, { "z", -1 } }
	};
}

static int set_up(void **state)
{
	char error[SERVER_ERROR_LEN];
	int err;

	(void)state;
	memset(&r, 0, sizeof(r));
	snprintf(r.dir, sizeof(r.dir), "%s", dial_dir());
	snprintf(r.path, sizeof(r.path), "%s/stats", r.dir);
	err = scx_stats_open(&r.stats, r.path, geteuid(), get, &r, error);
	r.fd = dial(r.path);
	return err;
}

static int tear_down(void **state)
{
	(void)state;
	close(r.fd);
	scx_stats_close(r.stats);
	return rmdir(r.dir);
}

static const char *raw(const char *request)
{
	say(r.fd, request);
	serve(scx_stats_server(r.stats), SECOND);
	server_tick(scx_stats_server(r.stats), SECOND);
	return hear(r.fd);
}

/* The "resp" of an answer that has this errno; errno and args are all there is. */
static json_t *ask(const char *request, int err)
{
	json_t *o = json_loads(raw(request), 0, NULL), *resp;

	assert_non_null(o);
	assert_int_equal(json_object_size(o), 2);
	assert_int_equal(json_integer_value(json_object_get(o, "errno")), err);
	assert_int_equal(json_object_size(json_object_get(o, "args")), 1);
	resp = json_incref(json_object_get(json_object_get(o, "args"), "resp"));
	assert_non_null(resp);
	json_decref(o);
	return resp;
}

static long long number(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static void stats_are_the_report(void **state)
{
	static const char *const requests[] = {
		"{\"req\":\"stats\",\"args\":{\"target\":\"top\"}}\n",
		"{\"req\": \"stats\", \"args\": {}}\n",
		"{\"req\":\"stats\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		json_t *resp = ask(requests[i], 0);

		assert_string_equal(json_string_value(json_object_get(resp, "policy")), "made_up");
		assert_string_equal(json_string_value(json_object_get(resp, "hash")),
				    "0000000000000abc");
		assert_int_equal(number(resp, "generation"), 3);
		assert_int_equal(number(resp, "queued"), 12345678901234);
		assert_int_equal(number(resp, "policy_errors"), 5);
		assert_int_equal(number(resp, "reloads"), 2);
		assert_int_equal(number(resp, "batch_size_max"), 4);
		assert_int_equal(number(resp, "decide_ns_p99"), 0);
		json_decref(resp);
	}
	assert_int_equal(r.nr_gets, 3);
}

/* A number or text at the top level, as rust/scx_stats describes it: datum, desc, user. */
static void check_figure(const char *name, const json_t *field, const json_t *value)
{
	const char *datum = json_string_value(json_object_get(field, "datum"));
	const char *desc = json_string_value(json_object_get(field, "desc"));

	assert_non_null(datum);
	assert_non_null(desc);
	assert_true(strlen(desc) > 0);
	if (!strcmp(datum, "u64")) {
		assert_true(json_is_integer(value) && json_integer_value(value) >= 0);
		assert_int_equal(json_object_size(field), 2);
	} else if (!strcmp(datum, "string")) {
		assert_true(json_is_string(value));
		assert_string_equal(json_string_value(
					    json_object_get(json_object_get(field, "user"),
							    "_om_skip")),
				    "true");
	} else {
		fail_msg("%s: unknown datum %s", name, datum);
	}
}

/* The one dict: of structs with one number each. */
static void check_dict(const json_t *meta, const json_t *field, json_t *value)
{
	const json_t *dict = json_object_get(field, "dict"), *of, *member;
	json_t *row;
	const char *key;

	assert_string_equal(json_string_value(json_object_get(dict, "key")), "string");
	of = json_object_get(json_object_get(dict, "datum"), "struct");
	of = json_object_get(meta, json_string_value(of));
	assert_string_equal(json_string_value(
				    json_object_get(json_object_get(of, "user"), "_om_label")),
			    "stat");
	member = json_object_get(json_object_get(of, "fields"), "value");
	assert_string_equal(json_string_value(json_object_get(member, "datum")), "float");
	json_object_foreach(value, key, row)
	{
		assert_int_equal(json_object_size(row), 1);
		assert_true(json_is_real(json_object_get(row, "value")));
	}
}

static void meta_describes_every_figure(void **state)
{
	json_t *meta = ask("{\"req\":\"stats_meta\",\"args\":{}}\n", 0),
	       *stats = ask("{\"req\":\"stats\"}\n", 0), *top, *fields, *value;
	const char *name;

	(void)state;
	assert_int_equal(json_object_size(meta), 2);
	top = json_object_get(meta, "Metrics");
	assert_string_equal(json_string_value(json_object_get(top, "name")), "Metrics");
	assert_string_equal(json_string_value(json_object_get(top, "top")), "true");
	assert_non_null(json_string_value(json_object_get(top, "desc")));
	fields = json_object_get(top, "fields");
	assert_int_equal(json_object_size(top), 5);
	assert_true(json_object_size(stats) > 50);
	assert_int_equal(json_object_size(fields), json_object_size(stats));
	json_object_foreach(stats, name, value)
	{
		const json_t *field = json_object_get(fields, name);

		if (json_is_object(value))
			check_dict(meta, field, value);
		else
			check_figure(name, field, value);
	}
	json_decref(meta);
	json_decref(stats);
}

static void policy_stats_are_what_the_policy_says(void **state)
{
	json_t *resp = ask("{\"req\":\"stats\"}\n", 0), *want;

	(void)state;
	want = json_pack("{s:{s:f},s:{s:f}}", "held", "value", 2.5, "z", "value", -1.0);
	assert_true(json_equal(json_object_get(resp, "policy_stats"), want)); /* no NaN */
	json_decref(want);
	json_decref(resp);
}

static void wrong_requests(void **state)
{
	static const char *const requests[] = {
		"\n",
		"x\n",
		"[]\n",
		"{}\n",
		"{\"req\":1}\n",
		"{\"req\":\"stat\"}\n",
		"{\"req\":\"stats\",\"args\":{\"target\":\"other\"}}\n",
		"{\"req\":\"stats\",\"args\":{\"target\":7}}\n",
		"{\"req\":\"stats\"\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		json_t *resp = ask(requests[i], EINVAL);

		assert_true(json_is_string(resp));
		json_decref(resp);
	}
	assert_int_equal(r.nr_gets, 0);
}

static void a_line_that_is_too_long(void **state)
{
	static char text[1 << 20];
	json_t *resp;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	resp = ask(text, E2BIG);
	assert_string_equal(json_string_value(resp), "line too long");
	json_decref(resp);
	assert_string_equal(hear(r.fd), "EOF");
}

/* What is shown by --help-stats: a header, then a line for each figure. */
static void help_lists_every_figure(void **state)
{
	json_t *stats = ask("{\"req\":\"stats\"}\n", 0), *value;
	char *text, line[64];
	const char *name;
	size_t len, nr = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	scx_stats_help(f);
	fclose(f);
	assert_ptr_equal(strstr(text, "[Metrics] "), text);
	json_object_foreach(stats, name, value)
	{
		snprintf(line, sizeof(line), "\n  %s ", name);
		assert_non_null(strstr(text, line));
	}
	for (const char *c = text; *c; c++)
		nr += *c == '\n';
	assert_int_equal(nr, json_object_size(stats) + 1);
	free(text);
	json_decref(stats);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(stats_are_the_report),    TEST(meta_describes_every_figure),
		TEST(wrong_requests),	       TEST(a_line_that_is_too_long),
		TEST(help_lists_every_figure), TEST(policy_stats_are_what_the_policy_says),
	};

	return cmocka_run_group_tests_name("scx_stats", tests, NULL, NULL);
}
