// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_control.c - the control protocol with a supervisor that is made up: what is asked of it, what
 * is answered to whom, and what nobody may break.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <jansson.h>

#include "control.h"
#include "dial.h"
#include "json_text.h"

static struct {
	char dir[64], path[80];
	struct control *control;
	uint64_t now;

	char reload_path[CONTROL_PATH_LEN]; /* "-" if none was given */
	uint32_t nr_reloads, nr_sets, nr_line_ends;
	char key[CONTROL_KEY_LEN], value[CONTROL_VALUE_LEN];
	const char *refuse_set;
	bool set_at_once;
} r;

static json_t *status(void *arg)
{
	assert_ptr_equal(arg, &r);
	return json_pack("{s:s}", "policy", "made up");
}

static json_t *stats(void *arg)
{
	(void)arg;
	return json_pack("{s:i}", "queued", 7);
}

static void line(uint32_t peer, char *text, void *arg)
{
	(void)arg;
	assert_true(peer < SERVER_PEERS);
	snprintf(text, CONTROL_TEXT_LEN, "caf\xc3\xa9 or \xff\n");
}

static void line_end(uint32_t peer, void *arg)
{
	(void)arg;
	assert_true(peer < SERVER_PEERS);
	r.nr_line_ends++;
}

static void reload(const char *path, void *arg)
{
	(void)arg;
	r.nr_reloads++;
	snprintf(r.reload_path, sizeof(r.reload_path), "%s", path ? path : "-");
}

static int set(const char *key, const char *value, char *error, void *arg)
{
	(void)arg;
	r.nr_sets++;
	snprintf(r.key, sizeof(r.key), "%s", key);
	snprintf(r.value, sizeof(r.value), "%s", value);
	if (r.refuse_set) {
		snprintf(error, CONTROL_TEXT_LEN, "%s", r.refuse_set);
		return -1;
	}
	if (r.set_at_once)
		control_set_done(r.control, NULL);
	return 0;
}

static const struct control_ops ops = { status, stats, line, line_end, reload, set };

static int set_up(void **state)
{
	char error[SERVER_ERROR_LEN];

	(void)state;
	memset(&r, 0, sizeof(r));
	snprintf(r.dir, sizeof(r.dir), "%s", dial_dir());
	snprintf(r.path, sizeof(r.path), "%s/control", r.dir);
	r.now = SECOND;
	return control_open(&r.control, r.path, geteuid(), &ops, &r, error);
}

static int tear_down(void **state)
{
	(void)state;
	control_close(r.control);
	return rmdir(r.dir); /* fails if a socket is left */
}

static void tick(void)
{
	r.now += SECOND / 50;
	server_tick(control_server(r.control), r.now);
	serve(control_server(r.control), r.now);
}

/* A client that has sent this. */
static int asking(const char *text)
{
	int fd = dial(r.path);

	assert_true(fd >= 0);
	say(fd, text);
	serve(control_server(r.control), r.now);
	return fd;
}

/* Asks and gets this answer, on a connection of its own. */
static void expect(const char *request, const char *answer)
{
	int fd = asking(request);

	tick();
	assert_string_equal(hear(fd), answer);
	close(fd);
	tick();
}

static void answers_what_it_is_asked(void **state)
{
	(void)state;
	expect("{\"cmd\":\"status\"}\n", "{\"ok\":true,\"status\":{\"policy\":\"made up\"}}\n");
	expect("{\"cmd\":\"stats\"}\n", "{\"ok\":true,\"stats\":{\"queued\":7}}\n");
	expect("  { \"cmd\" : \"stats\" }  \n", "{\"ok\":true,\"stats\":{\"queued\":7}}\n");
	assert_int_equal(r.nr_line_ends, 3);
}

static void text_that_is_no_utf8_is_answered_all_the_same(void **state)
{
	json_t *text = json_text("caf\xc3\xa9");

	(void)state;
	expect("{\"cmd\":\"line\"}\n", "{\"ok\":true,\"line\":\"caf?? or ?\\n\"}\n");
	assert_string_equal(json_string_value(text), "caf\xc3\xa9");
	json_decref(text);
}

static void malformed(void **state)
{
	static const char *const requests[] = {
		"\n",
		"status\n",
		"{\n",
		"{\"cmd\":\"status\"\n",
		"{\"cmd\":\"status\"}}\n",
		"{\"cmd\":\"status\",\"cmd\":\"stats\"}\n",
		"{\"cmd\":\"\xff\"}\n",
		"{\"cmd\":\"reload\",\"path\":\"/a\\u0000b\"}\n",
		"\x01\x02\x03\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int fd = asking(requests[i]);
		const char *answer = hear(fd);

		assert_ptr_equal(strstr(answer, "{\"ok\":false,\"error\":\"not JSON: "), answer);
		assert_ptr_equal(strchr(answer, '\n'), answer + strlen(answer) - 1);
		close(fd);
	}
	expect("[]\n", "{\"ok\":false,\"error\":\"not a JSON object\"}\n");
}

static void deep_nesting(void **state)
{
	char text[SERVER_LINE_MAX + 2];
	int fd;

	(void)state;
	memset(text, '[', SERVER_LINE_MAX);
	strcpy(text + SERVER_LINE_MAX, "\n");
	fd = asking(text);
	assert_non_null(strstr(hear(fd), "maximum parsing depth reached"));
	close(fd);
}

static void wrong_requests(void **state)
{
	(void)state;
#define THERE_ARE "; there are: status stats line reload set\"}\n"
	expect("{}\n", "{\"ok\":false,\"error\":\"no cmd" THERE_ARE);
	expect("{\"cmd\":1}\n", "{\"ok\":false,\"error\":\"no cmd" THERE_ARE);
	expect("{\"cmd\":\"stat\"}\n", "{\"ok\":false,\"error\":\"unknown cmd stat" THERE_ARE);
	expect("{\"cmd\":\"status\",\"all\":true}\n",
	       "{\"ok\":false,\"error\":\"status: unknown member all\"}\n");
	expect("{\"cmd\":\"reload\",\"paht\":\"/x\"}\n",
	       "{\"ok\":false,\"error\":\"reload: unknown member paht\"}\n");
	expect("{\"cmd\":\"reload\",\"path\":\"x.lua\"}\n",
	       "{\"ok\":false,\"error\":\"reload: path: expected an absolute path\"}\n");
	expect("{\"cmd\":\"reload\",\"path\":7}\n",
	       "{\"ok\":false,\"error\":\"reload: path: expected an absolute path\"}\n");
	expect("{\"cmd\":\"set\",\"value\":1}\n",
	       "{\"ok\":false,\"error\":\"set: key: expected a string of 1..63 bytes\"}\n");
	expect("{\"cmd\":\"set\",\"key\":\"\",\"value\":1}\n",
	       "{\"ok\":false,\"error\":\"set: key: expected a string of 1..63 bytes\"}\n");
	expect("{\"cmd\":\"set\",\"key\":\"k\",\"value\":{}}\n",
	       "{\"ok\":false,\"error\":\"set: value: expected a string of at most 255 bytes, a "
	       "number or a boolean\"}\n");
	expect("{\"cmd\":\"set\",\"key\":\"k\",\"value\":1,\"now\":1}\n",
	       "{\"ok\":false,\"error\":\"set: unknown member now\"}\n");
	assert_int_equal(r.nr_reloads + r.nr_sets, 0);
}

static void lengths(void **state)
{
	char request[1024], text[300];

	(void)state;
	memset(text, 'k', sizeof(text));
	snprintf(request, sizeof(request), "{\"cmd\":\"set\",\"key\":\"%.63s\",\"value\":1}\n",
		 text);
	close(asking(request));
	assert_int_equal(r.nr_sets, 1);
	control_set_done(r.control, NULL);
	snprintf(request, sizeof(request), "{\"cmd\":\"set\",\"key\":\"%.64s\",\"value\":1}\n",
		 text);
	close(asking(request));
	snprintf(request, sizeof(request), "{\"cmd\":\"set\",\"key\":\"k\",\"value\":\"%.256s\"}\n",
		 text);
	close(asking(request));
	assert_int_equal(r.nr_sets, 1);
	snprintf(request, sizeof(request), "{\"cmd\":\"set\",\"key\":\"k\",\"value\":\"%.255s\"}\n",
		 text);
	close(asking(request));
	assert_int_equal(r.nr_sets, 2);
	assert_int_equal(strlen(r.value), 255);
}

/* ---- reload ---- */

static void a_reload_is_answered_when_it_is_done(void **state)
{
	int fd = asking("{\"cmd\":\"reload\"}\n"), other = asking("{\"cmd\":\"reload\"}\n"), late;

	(void)state;
	assert_string_equal(r.reload_path, "-");
	assert_int_equal(r.nr_reloads, 2);
	control_reload_begins(r.control);
	late = asking("{\"cmd\":\"reload\",\"path\":\"/p.lua\"}\n");
	assert_string_equal(r.reload_path, "/p.lua");
	tick();
	assert_string_equal(hear(fd), "");
	control_reloaded(r.control, json_pack("{s:i}", "generation", 2), NULL);
	tick();
	assert_string_equal(hear(fd), "{\"ok\":true,\"reload\":{\"generation\":2}}\n");
	assert_string_equal(hear(other), "{\"ok\":true,\"reload\":{\"generation\":2}}\n");
	assert_string_equal(hear(late), ""); /* its reload is the next one */
	control_reload_begins(r.control);
	control_reloaded(r.control, NULL, "p.lua:3: no");
	tick();
	assert_string_equal(hear(late), "{\"ok\":false,\"error\":\"p.lua:3: no\"}\n");
	close(fd);
	close(other);
	close(late);
}

static void the_last_file_wins(void **state)
{
	int a = asking("{\"cmd\":\"reload\",\"path\":\"/a.lua\"}\n"),
	    b = asking("{\"cmd\":\"reload\",\"path\":\"/b.lua\"}\n"),
	    again = asking("{\"cmd\":\"reload\",\"path\":\"/b.lua\"}\n");

	(void)state;
	tick();
	assert_string_equal(hear(a), "{\"ok\":false,\"error\":\"superseded: /b.lua was asked for "
				     "meanwhile\"}\n");
	control_reload_begins(r.control);
	control_reloaded(r.control, json_object(), NULL);
	tick();
	assert_string_equal(hear(b), "{\"ok\":true,\"reload\":{}}\n");
	assert_string_equal(hear(again), "{\"ok\":true,\"reload\":{}}\n");
	close(a);
	close(b);
	close(again);
}

static void who_does_not_wait_for_a_reload(void **state)
{
	int fd = asking("{\"cmd\":\"reload\"}\n"), other;

	(void)state;
	close(fd);
	tick();
	other = asking("{\"cmd\":\"status\"}\n"); /* has its number now */
	control_reload_begins(r.control);
	control_reloaded(r.control, json_object(), NULL);
	tick();
	assert_string_equal(hear(other), "{\"ok\":true,\"status\":{\"policy\":\"made up\"}}\n");
	close(other);
}

/* ---- set ---- */

static void a_setting_is_answered_when_it_is_made(void **state)
{
	int fd = asking("{\"cmd\":\"set\",\"key\":\"slice_us\",\"value\":\"3000\"}\n");

	(void)state;
	tick();
	assert_string_equal(hear(fd), "");
	assert_string_equal(r.key, "slice_us");
	assert_string_equal(r.value, "3000");
	control_set_done(r.control, NULL);
	tick();
	assert_string_equal(hear(fd),
			    "{\"ok\":true,\"set\":{\"key\":\"slice_us\",\"value\":\"3000\"}}\n");
	say(fd, "{\"cmd\":\"set\",\"key\":\"slice_us\",\"value\":\"x\"}\n");
	tick();
	control_set_done(r.control, "slice_us: expected a number");
	tick();
	assert_string_equal(hear(fd), "{\"ok\":false,\"error\":\"slice_us: expected a number\"}\n");
	close(fd);
}

static void values_of_other_types(void **state)
{
	static const char *const pairs[][2] = {
		{ "3000", "3000" },   { "-1", "-1" }, { "0.5", "0.5" },	 { "true", "true" },
		{ "false", "false" }, { "\"\"", "" }, { "1e3", "1000" },
	};
	char request[128];

	(void)state;
	r.set_at_once = true;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		snprintf(request, sizeof(request), "{\"cmd\":\"set\",\"key\":\"k\",\"value\":%s}\n",
			 pairs[i][0]);
		close(asking(request));
		assert_int_equal(r.nr_sets, i + 1);
		assert_string_equal(r.value, pairs[i][1]);
	}
}

static void settings_are_made_one_at_a_time(void **state)
{
	int a = asking("{\"cmd\":\"set\",\"key\":\"a\",\"value\":1}\n"),
	    b = asking("{\"cmd\":\"set\",\"key\":\"b\",\"value\":2}\n"),
	    c = asking("{\"cmd\":\"set\",\"key\":\"c\",\"value\":3}\n");

	(void)state;
	assert_int_equal(r.nr_sets, 1);
	close(a); /* its setting is under way all the same */
	tick();
	assert_int_equal(r.nr_sets, 1);
	control_set_done(r.control, NULL);
	assert_string_equal(r.key, "b");
	control_set_done(r.control, "no b");
	assert_string_equal(r.key, "c");
	assert_int_equal(r.nr_sets, 3);
	control_set_done(r.control, NULL);
	tick();
	assert_string_equal(hear(b), "{\"ok\":false,\"error\":\"no b\"}\n");
	assert_string_equal(hear(c), "{\"ok\":true,\"set\":{\"key\":\"c\",\"value\":\"3\"}}\n");
	close(b);
	close(c);
}

static void a_setting_that_cannot_be(void **state)
{
	(void)state;
	r.refuse_set = "no policy is running";
	for (int i = 0; i < 3; i++)
		expect("{\"cmd\":\"set\",\"key\":\"a\",\"value\":1}\n",
		       "{\"ok\":false,\"error\":\"no policy is running\"}\n");
	assert_int_equal(r.nr_sets, 3);
}

static void all_set_at_once(void **state)
{
	int fd[SERVER_PEERS];

	(void)state;
	for (int i = 0; i < SERVER_PEERS; i++)
		fd[i] = asking("{\"cmd\":\"set\",\"key\":\"a\",\"value\":1}\n");
	r.set_at_once = true; /* the rest follows from within control_set_done() */
	control_set_done(r.control, NULL);
	assert_int_equal(r.nr_sets, SERVER_PEERS);
	tick();
	for (int i = 0; i < SERVER_PEERS; i++) {
		assert_string_equal(hear(fd[i]),
				    "{\"ok\":true,\"set\":{\"key\":\"a\",\"value\":\"1\"}}\n");
		close(fd[i]);
	}
}

static void nothing_is_told_to_nobody(void **state)
{
	(void)state;
	control_reload_begins(NULL);
	control_reloaded(NULL, json_object(), NULL);
	control_set_done(NULL, NULL);
	assert_null(control_server(NULL));
	control_close(NULL);
}

static void the_path_can_be_moved(void **state)
{
	(void)state;
	unsetenv("SCXLUA_RUNDIR");
	assert_string_equal(control_path(), "/run/scxlua/control");
	setenv("SCXLUA_RUNDIR", "/tmp/x", 1);
	assert_string_equal(control_path(), "/tmp/x/control");
	unsetenv("SCXLUA_RUNDIR");
}

/* Lines of random pieces of requests: each gets exactly one line back. */
static void random_requests(void **state)
{
	static const char *const pieces[] = { "{",	 "}",	    "\"cmd\"",	  ":",
					      "\"set\"", "\"key\"", "\"k\"",	  "\"value\"",
					      "1",	 ",",	    "\"reload\"", "\"path\"",
					      "\"/x\"",	 "null",    "[" };
	uint64_t seed = 3;
	int fd = dial(r.path);

	(void)state;
	r.set_at_once = true;
	for (int i = 0; i < 20000; i++) {
		char request[256] = "";
		const char *answer;

		for (uint32_t n = unit_below(&seed, 12); n; n--)
			strcat(request, pieces[unit_below(&seed, 15)]);
		strcat(request, "\n");
		say(fd, request);
		tick();
		control_reload_begins(r.control);
		control_reloaded(r.control, json_object(), NULL);
		tick();
		answer = hear(fd);
		assert_ptr_equal(strstr(answer, "{\"ok\":"), answer);
		assert_ptr_equal(strchr(answer, '\n'), answer + strlen(answer) - 1);
	}
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(answers_what_it_is_asked),
		TEST(text_that_is_no_utf8_is_answered_all_the_same),
		TEST(malformed),
		TEST(deep_nesting),
		TEST(wrong_requests),
		TEST(lengths),
		TEST(a_reload_is_answered_when_it_is_done),
		TEST(the_last_file_wins),
		TEST(who_does_not_wait_for_a_reload),
		TEST(a_setting_is_answered_when_it_is_made),
		TEST(values_of_other_types),
		TEST(settings_are_made_one_at_a_time),
		TEST(a_setting_that_cannot_be),
		TEST(all_set_at_once),
		TEST(nothing_is_told_to_nobody),
		TEST(the_path_can_be_moved),
		TEST(random_requests),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
