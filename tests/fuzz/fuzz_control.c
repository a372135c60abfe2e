// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_control.c - any bytes on the control socket and on that of the statistics: whatever is answered is
 * a line of JSON, and what is asked of the supervisor is within its limits.
 */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "scx_stats.h"

static struct control *control;
static struct scx_stats *stats;
static char control_file[64], stats_file[64];
static uint64_t now_ns = 1000000000;

static json_t *object(void *arg)
{
	(void)arg;
	return json_object();
}

static void line(uint32_t peer, char *text, void *arg)
{
	(void)arg;
	snprintf(text, CONTROL_LINE_LEN, "%u\n", peer);
}

static void line_end(uint32_t peer, void *arg)
{
	(void)peer;
	(void)arg;
}

static void reload(const char *path, void *arg)
{
	(void)arg;
	if (path && path[0] != '/')
		abort();
}

/* Half of the settings are made at once, half of the others refused. */
static int set(const char *key, const char *value, char *error, void *arg)
{
	(void)arg;
	if (!*key || strlen(key) >= CONTROL_KEY_LEN || strlen(value) >= CONTROL_VALUE_LEN)
		abort();
	snprintf(error, CONTROL_TEXT_LEN, "no %s", key);
	if (key[0] & 1)
		control_set_done(control, NULL);
	return key[0] & 1 || key[0] & 2 ? 0 : -1;
}

static void get(struct report *report, void *arg)
{
	(void)arg;
	memset(report, 0, sizeof(*report));
}

static void open_sockets(void)
{
	static const struct control_ops ops = { object, object, line, line_end, reload, set };
	char dir[] = "/tmp/scxlua-fuzz.XXXXXX", error[SERVER_ERROR_LEN];

	if (!mkdtemp(dir))
		abort();
	snprintf(control_file, sizeof(control_file), "%s/c", dir);
	snprintf(stats_file, sizeof(stats_file), "%s/s", dir);
	if (control_open(&control, control_file, geteuid(), &ops, NULL, error) ||
	    scx_stats_open(&stats, stats_file, geteuid(), get, NULL, error))
		abort();
}

static void close_sockets(void)
{
	control_close(control);
	scx_stats_close(stats);
	*strrchr(control_file, '/') = '\0';
	rmdir(control_file);
}

static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)))
		abort();
	return fd;
}

/* Each line of what came back is a JSON object; the last one may not have come whole yet. */
static void check_answers(char *text)
{
	char *rest = text, *one;
	json_t *o;

	while ((one = strsep(&rest, "\n")) && rest) {
		o = json_loads(one, 0, NULL);
		if (!json_is_object(o))
			abort();
		json_decref(o);
	}
}

static void talk(const char *path, struct server *server, const uint8_t *data, size_t size)
{
	static char answers[1 << 20];
	int fd = dial(path);
	size_t len = 0;
	ssize_t n;

	if (send(fd, data, size, MSG_NOSIGNAL) < 0 && size)
		abort();
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 8; i++) {
		server_serve(server, now_ns);
		server_tick(server, now_ns += 20000000);
		control_reload_begins(control);
		control_reloaded(control, json_object(), NULL);
		control_set_done(control, "no");
		n = recv(fd, answers + len, sizeof(answers) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	answers[len] = '\0';
	check_answers(answers);
	close(fd);
	server_serve(server, now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!control) {
		open_sockets();
		atexit(close_sockets);
	}
	if (size > 3 * SERVER_LINE_MAX)
		return 0;
	talk(control_file, control_server(control), data, size);
	talk(stats_file, scx_stats_server(stats), data, size);
	return 0;
}
