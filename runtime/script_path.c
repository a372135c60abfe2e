// SPDX-License-Identifier: GPL-2.0-only
/*
 * script_path.c - see script_path.h.
 *
 * openat2() with RESOLVE_NO_SYMLINKS would refuse the links that are fine, and tells nothing of
 * the directories passed, so the walk is made here, a component at a time.
 */
#define _GNU_SOURCE
#include "script_path.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy.h"

enum { MAX_LINKS = 40, NSS_BYTES = 16384 };

struct walk {
	const struct script_trust *trust;
	const char *path; /* as the user gave it */
	char *error;
	int dir;		/* open directory reached so far */
	char reached[PATH_MAX]; /* its path, for messages */
	char rest[PATH_MAX];	/* still to go from there */
	int links;		/* followed so far */
};

/* ---- messages; each returns -1 ---- */

static int cannot_read(struct walk *w, const char *why)
{
	snprintf(w->error, POLICY_ERROR_LEN, "cannot read %s: %s", w->path, why);
	return -1;
}

static int not_safe(struct walk *w, const char *name, const char *problem, const char *remedy)
{
	const char *slash = w->reached[1] && name[0] ? "/" : "";

	snprintf(w->error, POLICY_ERROR_LEN,
		 "%.120s is not safe to run: %.120s%s%.64s %s; %s, or insist with "
		 "--allow-unsafe-path",
		 w->path, w->reached, slash, name, problem, remedy);
	return -1;
}

static int not_trusted(struct walk *w, const char *name, const char *what, uid_t owner)
{
	char problem[96];

	snprintf(problem, sizeof(problem), "%s user %u, not to root or the user who called sudo",
		 what, (unsigned int)owner);
	return not_safe(w, name, problem, "make a copy that is yours");
}

/* ---- checks ---- */

static bool is_trusted(const struct walk *w, uid_t uid)
{
	return uid == w->trust->root || uid == w->trust->user;
}

/* Debian's and others' private groups: named like the user, with nobody else in it. */
static bool is_private_group(gid_t gid, uid_t uid)
{
	char buf[NSS_BYTES], name[64];
	struct passwd pw, *user = NULL;
	struct group gr, *group = NULL;
	char **member;

	if (gid == 0)
		return true;
	if (getpwuid_r(uid, &pw, buf, sizeof(buf), &user) || !user)
		return false;
	snprintf(name, sizeof(name), "%s", user->pw_name);
	if (user->pw_gid != gid || getgrgid_r(gid, &gr, buf, sizeof(buf), &group) || !group)
		return false;
	for (member = group->gr_mem; *member; member++)
		if (strcmp(*member, name))
			return false;
	return !strcmp(group->gr_name, name);
}

static int check_owner_and_mode(struct walk *w, const char *name, const struct stat *st)
{
	bool others = st->st_mode & S_IWOTH;
	char problem[64];

	if (!is_trusted(w, st->st_uid))
		return not_trusted(w, name, "belongs to", st->st_uid);
	if (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX)
		return 0;
	if (!others && (!(st->st_mode & S_IWGRP) || is_private_group(st->st_gid, st->st_uid)))
		return 0;
	snprintf(problem, sizeof(problem), "can be written by %s (mode %04o)",
		 others ? "everyone" : "its group", (unsigned int)st->st_mode & 07777);
	return not_safe(w, name, problem, others ? "chmod go-w it" : "chmod g-w it");
}

/* ---- the walk ---- */

/* Steps into the directory that fd is; takes fd. */
static int enter(struct walk *w, int fd, const char *name)
{
	size_t len = strlen(w->reached);

	if (w->dir >= 0)
		close(w->dir);
	w->dir = fd;
	if (name[0] == '/')
		snprintf(w->reached, sizeof(w->reached), "/");
	else
		snprintf(w->reached + len, sizeof(w->reached) - len, "%s%s", len > 1 ? "/" : "",
			 name);
	return 0;
}

static int enter_root(struct walk *w)
{
	struct stat st;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return cannot_read(w, strerror(errno));
	enter(w, fd, "/");
	if (fstat(fd, &st))
		return cannot_read(w, strerror(errno));
	return check_owner_and_mode(w, "", &st);
}

/* Cuts the first component off the rest, into name[PATH_MAX]. False: there is none. */
static bool next_name(struct walk *w, char *name)
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(from, "/");

	if (!len)
		return false;
	memcpy(name, from, len);
	name[len] = '\0';
	memmove(w->rest, from + len, strlen(from + len) + 1);
	return true;
}

/* Goes on with the link's target in its place; takes fd. */
static int follow(struct walk *w, int fd, const char *name, const struct stat *st)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t len = readlinkat(fd, "", target, sizeof(target) - 1);

	close(fd);
	if (!is_trusted(w, st->st_uid))
		return not_trusted(w, name, "is a symbolic link that belongs to", st->st_uid);
	if (len < 0 || ++w->links > MAX_LINKS)
		return cannot_read(w, strerror(len < 0 ? errno : ELOOP));
	target[len] = '\0';
	if ((size_t)len + strlen(w->rest) + 1 > sizeof(rest))
		return cannot_read(w, strerror(ENAMETOOLONG));
	stpcpy(stpcpy(rest, target), w->rest);
	strcpy(w->rest, rest);
	return target[0] == '/' ? enter_root(w) : 0;
}

/* Opens for reading what fd is; takes fd. */
static int open_file(struct walk *w, int fd, const char *name, const struct stat *st)
{
	struct stat opened;
	int file;

	close(fd);
	if (w->rest[0])
		return cannot_read(w, strerror(ENOTDIR));
	if (!S_ISREG(st->st_mode))
		return cannot_read(w, "it is a device or pipe, not a file");
	file = openat(w->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return cannot_read(w, strerror(errno));
	/* Another may have come in its place meanwhile: what counts is what is open. */
	if (fstat(file, &opened) || !S_ISREG(opened.st_mode)) {
		close(file);
		return cannot_read(w, "it keeps changing");
	}
	if (!check_owner_and_mode(w, name, &opened))
		return file;
	close(file);
	return -1;
}

/* One component. Returns the open file at the end of the way, -1, or -2: there is more to go. */
static int step(struct walk *w, const char *name)
{
	struct stat st;
	int fd;

	if (!strcmp(name, "."))
		return -2;
	fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		return cannot_read(w, strerror(err));
	}
	if (S_ISLNK(st.st_mode))
		return follow(w, fd, name, &st) ? -1 : -2;
	if (!S_ISDIR(st.st_mode))
		return open_file(w, fd, name, &st);
	if (check_owner_and_mode(w, name, &st)) {
		close(fd);
		return -1;
	}
	enter(w, fd, name);
	return -2;
}

/* The whole way as an absolute path. */
static int set_out(struct walk *w)
{
	size_t len = 0;

	if (w->path[0] != '/') {
		if (!getcwd(w->rest, sizeof(w->rest)))
			return cannot_read(w, strerror(errno));
		len = strlen(w->rest);
		w->rest[len++] = '/';
	}
	if (len + strlen(w->path) >= sizeof(w->rest))
		return cannot_read(w, strerror(ENAMETOOLONG));
	strcpy(w->rest + len, w->path);
	return enter_root(w);
}

int script_path_open(const char *path, const struct script_trust *trust, char *error)
{
	struct walk w = { .trust = trust, .path = path, .error = error, .dir = -1 };
	char name[PATH_MAX];
	int result = path[0] ? set_out(&w) : cannot_read(&w, strerror(ENOENT));

	if (!result)
		result = -2;
	while (result == -2)
		result = next_name(&w, name) ? step(&w, name) :
					       cannot_read(&w, "it is a directory, not a file");
	if (w.dir >= 0)
		close(w.dir);
	return result;
}

struct script_trust script_trust(void)
{
	const char *text = getenv("SUDO_UID");
	struct script_trust trust = { 0, 0 };
	unsigned long uid;
	char *end;

	if (!text || !*text)
		return trust;
	errno = 0;
	uid = strtoul(text, &end, 10);
	if (!errno && !*end && text[0] != '-' && (uid_t)uid == uid)
		trust.user = (uid_t)uid;
	return trust;
}
