// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake.c - a scxlua that schedules nothing: the control socket with made-up answers, for the tests
 * of the commands that ask a running one.
 *
 *   fake PATH [garbage | mute]
 *
 * Prints "ready" once it listens on PATH and runs until its standard input ends. It says that it
 * reloads any file but one whose name has "broken" in it, and that it has one option, slice_us.
 * garbage: answers what is no JSON; mute: drops who has asked.
 */
#define _GNU_SOURCE
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

static struct {
	struct control *control;
	struct server *bare; /* garbage and mute: a server without the protocol */
	const char *mode;
	char path[CONTROL_PATH_LEN];
	bool is_wanted;
	int generation, nr_lines;
} fake = { .generation = 1 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static json_t *reload_object(void)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:i}", "outcome", "ok", "path", fake.path,
			 "hash", "00000000000000ff", "generation", fake.generation, "load_ms", 350,
			 "pause_us", 120, "ago_ms", 61000);
}

static json_t *status(void *arg)
{
	json_t *o = json_pack("{s:s,s:i,s:s,s:i,s:s,s:s,s:s,s:i,s:b,s:b,s:s,s:{s:s}}", "state",
			      "active", "pid", 42, "version", "0", "uptime_ms", 7300000, "policy",
			      "made_up", "path", "/made/up.lua", "hash", "00000000000000aa",
			      "generation", fake.generation, "trial", fake.generation > 1,
			      "reloading", 0, "error",
			      fake.generation > 1 ? "up.lua:1: enqueue(): no" : "", "settings",
			      "slice_us", "3000");

	(void)arg;
	if (fake.generation > 1)
		json_object_set_new(o, "reload", reload_object());
	return o;
}

static json_t *stats(void *arg)
{
	(void)arg;
	return json_pack("{s:i}", "queued", 7);
}

static void line(uint32_t peer, char *text, void *arg)
{
	(void)peer;
	(void)arg;
	if (fake.nr_lines++)
		snprintf(text, CONTROL_TEXT_LEN, "made_up#1: line %d\n", fake.nr_lines);
}

static void line_end(uint32_t peer, void *arg)
{
	(void)peer;
	(void)arg;
}

static void reload(const char *path, void *arg)
{
	(void)arg;
	snprintf(fake.path, sizeof(fake.path), "%s", path ? path : "/made/up.lua");
	fake.is_wanted = true;
}

static int set(const char *key, const char *value, char *error, void *arg)
{
	(void)arg;
	if (strcmp(key, "slice_us")) {
		snprintf(error, CONTROL_TEXT_LEN, "no option \"%s\" in this policy", key);
		return -1;
	}
	control_set_done(fake.control,
			 atoi(value) ? NULL : "slice_us: expected 100..100000, got \"x\"");
	return 0;
}

static void bare_line(uint32_t peer, const char *text, size_t len, void *arg)
{
	(void)text;
	(void)len;
	(void)arg;
	server_answer(fake.bare, peer, strcmp(fake.mode, "mute") ? strdup("hello") : NULL);
}

static int open_socket(const char *path)
{
	static const struct control_ops ops = { status, stats, line, line_end, reload, set };
	struct server_args args = {
		.path = path, .dir_mode = 0700, .uid = geteuid(), .on_line = bare_line
	};
	char error[SERVER_ERROR_LEN];
	int err = fake.mode ? server_open(&fake.bare, &args, error) :
			      control_open(&fake.control, path, geteuid(), &ops, NULL, error);

	if (err)
		fprintf(stderr, "fake: %s\n", error);
	return err;
}

static void tick(struct server *server)
{
	server_tick(server, now_ns());
	if (!fake.is_wanted)
		return;
	fake.is_wanted = false;
	control_reload_begins(fake.control);
	if (strstr(fake.path, "broken")) {
		control_reloaded(fake.control, NULL, "broken.lua:2: unexpected symbol near 'n'");
		return;
	}
	fake.generation++;
	control_reloaded(fake.control, reload_object(), NULL);
}

int main(int argc, char **argv)
{
	struct pollfd fd[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };
	struct server *server;
	char c;

	if (argc < 2)
		return 2;
	fake.mode = argv[2];
	if (open_socket(argv[1]))
		return 1;
	server = fake.mode ? fake.bare : control_server(fake.control);
	puts("ready");
	fflush(stdout);
	for (;;) {
		fd[1].fd = server_fd(server);
		if (poll(fd, 2, 20) > 0 && fd[1].revents)
			server_serve(server, now_ns());
		if (fd[0].revents && read(STDIN_FILENO, &c, 1) <= 0)
			break;
		tick(server);
	}
	server_close(fake.bare);
	control_close(fake.control);
	return 0;
}
