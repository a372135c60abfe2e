// SPDX-License-Identifier: GPL-2.0-only
/* server_rig.c - see server_rig.h. */
#define _GNU_SOURCE
#include "server_rig.h"

struct rig rig;

/* "big" is answered at length, anything else with itself in brackets. */
static void on_line(uint32_t peer, const char *line, size_t len, void *arg)
{
	char *text = malloc(BIG + 1);

	assert_ptr_equal(arg, &rig);
	assert_int_equal(line[len], '\0');
	rig.peer = peer;
	rig.nr_lines++;
	rig.len = len;
	memcpy(rig.line, line, len + 1);
	if (!strcmp(line, "big"))
		memset(text, 'x', BIG);
	else
		snprintf(text, BIG, "[%s]", line);
	text[BIG] = '\0';
	if (rig.defer)
		free(text);
	else
		server_answer(rig.server, peer, text);
}

static void on_gone(uint32_t peer, void *arg)
{
	(void)peer;
	(void)arg;
	rig.nr_gone++;
}

static struct server_args server_args(const char *path)
{
	return (struct server_args){ .path = path,
				     .dir_mode = 0700,
				     .uid = geteuid(),
				     .on_line = on_line,
				     .on_gone = on_gone,
				     .arg = &rig,
				     .too_many = "too many",
				     .too_long = "too long" };
}

int open_at(const char *path, char *error)
{
	struct server_args args = server_args(path);

	return server_open(&rig.server, &args, error);
}

int rig_set_up(void **state)
{
	char error[SERVER_ERROR_LEN];

	(void)state;
	memset(&rig, 0, sizeof(rig));
	snprintf(rig.dir, sizeof(rig.dir), "%s", dial_dir());
	snprintf(rig.path, sizeof(rig.path), "%s/run/s", rig.dir);
	rig.now = SECOND;
	return open_at(rig.path, error);
}

int rig_tear_down(void **state)
{
	char command[96];

	(void)state;
	server_close(rig.server);
	snprintf(command, sizeof(command), "rm -rf %s", rig.dir);
	return system(command);
}

void run(void)
{
	serve(rig.server, rig.now);
}

void tick(uint64_t later)
{
	rig.now += later;
	server_tick(rig.server, rig.now);
	run();
}
