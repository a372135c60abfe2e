// SPDX-License-Identifier: GPL-2.0-only
/* script.c - reads a policy's text, whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_lua.h"
#include "script_path.h"

enum {
	MAX_SCRIPT_BYTES = 1 << 20,
	READ_ATTEMPTS = 5, /* of a file that keeps changing, e.g. while an editor writes it */
	BYTECODE_MARK = 0x1b,
};

static uint64_t fnv1a(const char *text, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
	return hash;
}

static int open_path(const char *path, const struct script_trust *trust, char *error)
{
	int fd;

	if (trust)
		return script_path_open(path, trust, error);
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		snprintf(error, POLICY_ERROR_LEN, "cannot read %s: %s", path, strerror(errno));
	return fd;
}

static int open_regular(const char *path, const struct script_trust *trust, struct stat *st,
			char *error)
{
	int fd = open_path(path, trust, error);

	if (fd < 0)
		return -1;
	if (fstat(fd, st)) {
		snprintf(error, POLICY_ERROR_LEN, "cannot read %s: %s", path, strerror(errno));
	} else if (!S_ISREG(st->st_mode)) {
		snprintf(error, POLICY_ERROR_LEN, "cannot read %s: it is %s, not a file", path,
			 S_ISDIR(st->st_mode) ? "a directory" : "a device or pipe");
	} else if (st->st_size > MAX_SCRIPT_BYTES) {
		snprintf(error, POLICY_ERROR_LEN,
			 "cannot read %s: %lld bytes, a policy has at most %d", path,
			 (long long)st->st_size, MAX_SCRIPT_BYTES);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size) {
		got = read(fd, text + len, size - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static bool is_same_version(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* One attempt. Returns 0; 1 if the file changed meanwhile; -1 and error. */
static int read_once(struct script *s, const struct script_trust *trust, char *error)
{
	struct stat before, after;
	int fd = open_regular(s->path, trust, &before, error);
	ssize_t len = -ENOMEM;

	if (fd < 0)
		return -1;
	free(s->text);
	s->text = malloc((size_t)before.st_size + 2);
	if (s->text)
		len = read_all(fd, s->text, (size_t)before.st_size + 1);
	if (fstat(fd, &after))
		after.st_size = -1;
	close(fd);
	if (len < 0) {
		snprintf(error, POLICY_ERROR_LEN, "cannot read %s: %s", s->path,
			 strerror((int)-len));
		return -1;
	}
	s->len = (size_t)len;
	s->text[len] = '\0';
	return len != before.st_size || !is_same_version(&before, &after);
}

static int refuse_bytecode(const struct script *s, char *error)
{
	if (!s->len || s->text[0] != BYTECODE_MARK)
		return 0;
	snprintf(error, POLICY_ERROR_LEN, "%s is LuaJIT bytecode: a policy is loaded as text only",
		 s->path);
	return -1;
}

static int read_stable(struct script *s, const struct script_trust *trust, char *error)
{
	int changed = 1;

	for (int i = 0; i < READ_ATTEMPTS && changed == 1; i++)
		changed = read_once(s, trust, error);
	if (changed == 1)
		snprintf(error, POLICY_ERROR_LEN, "cannot read %s: it keeps changing", s->path);
	return changed ? -1 : refuse_bytecode(s, error);
}

int script_read_trusted(struct script **out, const char *path, const struct script_trust *trust,
			char *error)
{
	struct script *s = calloc(1, sizeof(*s));

	if (s)
		s->path = strdup(path);
	if (!s || !s->path) {
		snprintf(error, POLICY_ERROR_LEN, "cannot read %s: %s", path, strerror(ENOMEM));
		script_free(s);
		return -1;
	}
	if (read_stable(s, trust, error)) {
		script_free(s);
		return -1;
	}
	s->hash = fnv1a(s->text, s->len);
	*out = s;
	return 0;
}

int script_read(struct script **out, const char *path, char *error)
{
	return script_read_trusted(out, path, NULL, error);
}

void script_free(struct script *s)
{
	if (!s)
		return;
	free(s->path);
	free(s->text);
	free(s);
}
