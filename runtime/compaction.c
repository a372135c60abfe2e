// SPDX-License-Identifier: GPL-2.0-only
/* compaction.c - see compaction.h. */
#define _GNU_SOURCE
#include "compaction.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char held[] = "0"; /* locked pages are not moved */

/* A number on the first line of an open file, as text. */
static int read_number(int fd, char value[COMPACTION_VALUE_LEN])
{
	char text[COMPACTION_VALUE_LEN];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	size_t len;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	len = strspn(text, "0123456789");
	if (!len || len == sizeof(text) - 1 || (text[len] && text[len] != '\n'))
		return -EINVAL;
	text[len] = '\0';
	strcpy(value, text);
	return 0;
}

static int read_sysctl(const struct compaction *c, char value[COMPACTION_VALUE_LEN])
{
	int fd = open(c->sysctl, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = read_number(fd, value);
	close(fd);
	return err;
}

static int write_text(int fd, const char *value)
{
	size_t len = strlen(value);
	ssize_t n = write(fd, value, len);

	return n < 0 ? -errno : n == (ssize_t)len ? 0 : -EIO;
}

static int write_sysctl(const struct compaction *c, const char *value)
{
	int fd = open(c->sysctl, O_WRONLY | O_CLOEXEC | O_TRUNC), err;

	if (fd < 0)
		return -errno;
	err = write_text(fd, value);
	close(fd);
	return err;
}

static bool is_ours(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int read_note(const struct compaction *c, char value[COMPACTION_VALUE_LEN])
{
	int fd = open(c->note, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err;

	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	err = is_ours(fd) ? read_number(fd, value) : -EPERM;
	close(fd);
	return err;
}

/* Whole or not at all: it is written under another name. */
static int write_note(const struct compaction *c, const char *value)
{
	char path[COMPACTION_PATH_LEN + sizeof(".new")];
	int fd, err;

	snprintf(path, sizeof(path), "%s.new", c->note);
	unlink(path); /* of one that was killed while it wrote */
	fd = open(path, O_WRONLY | O_CLOEXEC | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_text(fd, value);
	close(fd);
	if (!err && rename(path, c->note))
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

/* Back to `value`, unless somebody else has set it since; then the note has done its duty. */
static int restore(const struct compaction *c, const char *value)
{
	char now[COMPACTION_VALUE_LEN];
	int err = read_sysctl(c, now);

	if (!err && !strcmp(now, held))
		err = write_sysctl(c, value);
	if (!err || err == -ENOENT)
		err = unlink(c->note) && errno != ENOENT ? -errno : 0;
	return err;
}

void compaction_init(struct compaction *c, const char *dir)
{
	*c = (struct compaction){ .sysctl = COMPACTION_SYSCTL };
	snprintf(c->note, sizeof(c->note), "%s%s", dir, strrchr(COMPACTION_SYSCTL, '/'));
}

int compaction_recover(struct compaction *c)
{
	char value[COMPACTION_VALUE_LEN];
	int err = read_note(c, value);

	if (!err)
		return restore(c, value);
	return err == -ENOENT ? 0 : err;
}

int compaction_hold(struct compaction *c)
{
	char value[COMPACTION_VALUE_LEN];
	int err = read_sysctl(c, value);

	if (err || !strcmp(value, held))
		return err == -ENOENT ? 0 : err;
	err = write_note(c, value);
	if (err)
		return err;
	err = write_sysctl(c, held);
	if (err)
		unlink(c->note);
	else
		strcpy(c->saved, value);
	return err;
}

int compaction_release(struct compaction *c)
{
	int err = c->saved[0] ? restore(c, c->saved) : 0;

	if (!err)
		c->saved[0] = '\0';
	return err;
}
