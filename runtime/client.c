// SPDX-License-Identifier: GPL-2.0-only
/* client.c - see client.h. */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "log.h"

enum {
	ANSWER_S = 15,	/* the supervisor is busy for that long only while it loads the BPF */
	RELOAD_S = 150, /* it gives a script 120 s to load */
	ANSWER_MAX = 1 << 20,
};

/* ---- the connection ---- */

static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_S };
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (const struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static enum status no_connection(int err)
{
	const char *path = control_path();

	if (err == -ENOENT || err == -ECONNREFUSED)
		log_line("no scxlua is running (%s: %s)", path, strerror(-err));
	else if (err == -EACCES)
		log_line("cannot connect to %s: %s: asking a running scxlua needs root", path,
			 strerror(-err));
	else
		log_line("cannot connect to %s: %s", path, strerror(-err));
	return err == -EACCES ? STATUS_NO_ROOT : STATUS_FAILED;
}

/* Reads a line of any length up to ANSWER_MAX. NULL and errno if there is none. */
static char *read_answer(int fd)
{
	size_t len = 0, size = 0;
	char *line = NULL, *more;
	ssize_t n;

	do {
		if (size - len < 4096) {
			size += 65536;
			more = size > ANSWER_MAX ? NULL : realloc(line, size);
			if (!more) {
				free(line);
				errno = EMSGSIZE;
				return NULL;
			}
			line = more;
		}
		n = recv(fd, line + len, size - len - 1, 0);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && line[len - 1] != '\n') || (n < 0 && errno == EINTR));
	if (n > 0) {
		line[len] = '\0';
		return line;
	}
	if (!n)
		errno = ECONNRESET;
	free(line);
	return NULL;
}

/*
 * Sends the request, which is freed, and waits `seconds` for the answer. The answer if it is one
 * that says ok; else NULL, and a line in error[CONTROL_TEXT_LEN].
 */
static json_t *ask(int fd, json_t *request, int seconds, char *error)
{
	struct timeval patience = { .tv_sec = seconds };
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	json_t *answer = NULL;
	size_t len;

	json_decref(request);
	if (!text) {
		snprintf(error, CONTROL_TEXT_LEN, "out of memory");
		return NULL;
	}
	len = strlen(text);
	text[len++] = '\n';
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len) {
		free(text);
		text = read_answer(fd);
		answer = text ? json_loads(text, 0, NULL) : NULL;
		if (text && !answer)
			errno = EPROTO;
	}
	if (!answer)
		snprintf(error, CONTROL_TEXT_LEN, "scxlua did not answer (%s): %s", control_path(),
			 errno == EAGAIN ? "it is busy or stopped" : strerror(errno));
	free(text);
	if (!answer || json_is_true(json_object_get(answer, "ok")))
		return answer;
	text = (char *)(uintptr_t)json_string_value(json_object_get(answer, "error"));
	snprintf(error, CONTROL_TEXT_LEN, "%s", text ? text : "no error is given");
	json_decref(answer);
	return NULL;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* At the end of what is printed. */
static enum status printed(enum status status)
{
	if (!fflush(stdout))
		return status;
	log_line("cannot write to standard output: %s", strerror(errno));
	return STATUS_FAILED;
}

/* ---- status ---- */

/* "5 s", "12 min", "3 h": what people want of an age. */
static const char *age(long long ms)
{
	static char text[32];

	if (ms < 120000)
		snprintf(text, sizeof(text), "%lld s", ms / 1000);
	else if (ms < 7200000)
		snprintf(text, sizeof(text), "%lld min", ms / 60000);
	else
		snprintf(text, sizeof(text), "%lld h", ms / 3600000);
	return text;
}

static void print_reload(const json_t *reload)
{
	const char *outcome = text_of(reload, "outcome");

	printf("last reload  %s, %s ago, %s", outcome, age(number_of(reload, "ago_ms")),
	       text_of(reload, "path"));
	if (!strcmp(outcome, "ok"))
		printf(": ready after %lld ms, decisions paused for %lld us\n",
		       number_of(reload, "load_ms"), number_of(reload, "pause_us"));
	else
		printf(": %s\n", text_of(reload, "error"));
}

static void print_status(const json_t *s)
{
	const json_t *settings = json_object_get(s, "settings"), *value;
	const char *key;

	printf("policy       %s, %s\n", text_of(s, "policy"), text_of(s, "path"));
	printf("script       generation %lld, hash %s%s\n", number_of(s, "generation"),
	       text_of(s, "hash"), json_is_true(json_object_get(s, "trial")) ? ", on trial" : "");
	printf("state        %s, started %s ago, pid %lld, version %s%s\n", text_of(s, "state"),
	       age(number_of(s, "uptime_ms")), number_of(s, "pid"), text_of(s, "version"),
	       json_is_true(json_object_get(s, "reloading")) ? ", a reload is under way" : "");
	if (*text_of(s, "error"))
		printf("last error   %s\n", text_of(s, "error"));
	if (json_object_get(s, "reload"))
		print_reload(json_object_get(s, "reload"));
	json_object_foreach((json_t *)(uintptr_t)settings, key, value)
	{
		printf("set          %s=%s\n", key, json_string_value(value));
	}
}

enum status client_status(const char *json)
{
	char error[CONTROL_TEXT_LEN];
	json_t *answer;
	int fd;

	if (json && strcmp(json, "-")) {
		log_line("status: --json: expected -, got %s", json);
		return STATUS_USAGE;
	}
	fd = dial(control_path());
	if (fd < 0)
		return no_connection(fd);
	answer = ask(fd, json_pack("{s:s}", "cmd", "status"), ANSWER_S, error);
	close(fd);
	if (!answer) {
		log_line("%s", error);
		return STATUS_FAILED;
	}
	if (!json)
		print_status(json_object_get(answer, "status"));
	else if (!json_dumpf(json_object_get(answer, "status"), stdout, JSON_INDENT(2)))
		putchar('\n');
	json_decref(answer);
	return printed(STATUS_OK);
}

/* ---- reload, set ---- */

/* The path as the other process, with another working directory, has to say it. */
static int make_absolute(const char *file, char *path)
{
	char dir[PATH_MAX];
	int n;

	if (file[0] == '/')
		n = snprintf(path, CONTROL_PATH_LEN, "%s", file);
	else if (getcwd(dir, sizeof(dir)))
		n = snprintf(path, CONTROL_PATH_LEN, "%s/%s", dir, file);
	else
		return -errno;
	return n < CONTROL_PATH_LEN ? 0 : -ENAMETOOLONG;
}

enum status client_reload(const char *file)
{
	char error[CONTROL_TEXT_LEN], path[CONTROL_PATH_LEN];
	int err = file ? make_absolute(file, path) : 0, fd;
	json_t *request, *answer, *done;

	if (err) {
		log_line("%s: %s", file, strerror(-err));
		return STATUS_FAILED;
	}
	fd = dial(control_path());
	if (fd < 0)
		return no_connection(fd);
	request = json_pack("{s:s}", "cmd", "reload");
	if (file && json_object_set_new(request, "path", json_string(path))) {
		json_decref(request);
		close(fd);
		log_line("%s: the path is not UTF-8", file);
		return STATUS_FAILED;
	}
	answer = ask(fd, request, RELOAD_S, error);
	close(fd);
	if (!answer) {
		log_line("reload failed: %s", error);
		return STATUS_FAILED;
	}
	done = json_object_get(answer, "reload");
	printf("%s: reloaded (generation %lld, hash %s), ready after %lld ms; decisions paused for "
	       "%lld us\n",
	       text_of(done, "path"), number_of(done, "generation"), text_of(done, "hash"),
	       number_of(done, "load_ms"), number_of(done, "pause_us"));
	json_decref(answer);
	return printed(STATUS_OK);
}

/* One pair on an open connection. */
static enum status set_one(int fd, const char *pair)
{
	const char *eq = strchr(pair, '=');
	char error[CONTROL_TEXT_LEN];
	json_t *answer;

	answer = ask(fd,
		     json_pack("{s:s,s:s%,s:s}", "cmd", "set", "key", pair, (size_t)(eq - pair),
			       "value", eq + 1),
		     ANSWER_S, error);
	if (!answer) {
		log_line("%s", error);
		return STATUS_FAILED;
	}
	printf("%s\n", pair);
	json_decref(answer);
	return STATUS_OK;
}

enum status client_set(char *const *pair, uint32_t nr_pairs)
{
	enum status status = STATUS_OK, one;
	int fd = dial(control_path());

	if (fd < 0)
		return no_connection(fd);
	for (uint32_t i = 0; i < nr_pairs; i++) {
		one = set_one(fd, pair[i]);
		status = one == STATUS_OK ? status : one;
	}
	close(fd);
	return printed(status);
}

/* ---- monitor ---- */

static void wait_seconds(uint32_t seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* Prints lines until the connection or our output ends: -errno. */
static int follow(int fd, uint32_t seconds)
{
	char error[CONTROL_TEXT_LEN];
	json_t *answer;

	while ((answer = ask(fd, json_pack("{s:s}", "cmd", "line"), ANSWER_S, error))) {
		fputs(text_of(answer, "line"), stdout);
		json_decref(answer);
		if (fflush(stdout))
			return -errno;
		wait_seconds(seconds);
	}
	return -ECONNRESET;
}

enum status client_monitor(uint32_t seconds, bool wait)
{
	bool said = false;
	int fd, err;

	for (;; wait_seconds(1)) {
		fd = dial(control_path());
		if (fd >= 0) {
			err = follow(fd, seconds);
			close(fd);
			if (err != -ECONNRESET)
				return STATUS_FAILED; /* nobody reads what we print */
			log_line("scxlua has ended, or does not answer");
			if (!wait)
				return STATUS_OK;
		} else if (!wait || (fd != -ENOENT && fd != -ECONNREFUSED)) {
			return no_connection(fd);
		} else if (!said) {
			log_line("no scxlua is running yet (%s): waiting", control_path());
		}
		said = true;
	}
}
