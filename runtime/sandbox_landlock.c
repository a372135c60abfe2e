// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox_landlock.c - see sandbox_landlock.h. By system calls, because the C library has none of
 * them.
 */
#define _GNU_SOURCE
#include "sandbox_landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in linux/landlock.h, whose version may be older than the kernel. */
struct ruleset {
	uint64_t fs;	 /* what may not be done to files unless a rule allows it */
	uint64_t net;	 /* from ABI 4 */
	uint64_t scoped; /* from ABI 6: not beyond the processes of the same domain */
};

enum { LANDLOCK_VERSION = 1 };

/* What each version of the ABI added; index = version. */
static const struct ruleset landlock_adds[] = {
	[1] = { .fs = (1 << 13) - 1 }, /* execute, read, write, make and remove files of any kind */
	[2] = { .fs = 1 << 13 },       /* link and rename across directories */
	[3] = { .fs = 1 << 14 },       /* truncate */
	[4] = { .net = 3 },	       /* TCP: bind, connect */
	[5] = { .fs = 1 << 15 },       /* ioctl on devices */
	[6] = { .scoped = 3 },	       /* abstract Unix sockets, signals */
};

static int landlock_version(void)
{
	long version = syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	const int newest = sizeof(landlock_adds) / sizeof(landlock_adds[0]) - 1;

	if (version < 0)
		return 0;
	return version < newest ? (int)version : newest;
}

bool sandbox_has_landlock(void)
{
	return landlock_version() > 0;
}

int sandbox_landlock(void)
{
	struct ruleset all = { 0 };
	int version = landlock_version(), i, fd, err;

	if (!version)
		return 0;
	for (i = 1; i <= version; i++) {
		all.fs |= landlock_adds[i].fs;
		all.net |= landlock_adds[i].net;
		all.scoped |= landlock_adds[i].scoped;
	}
	/* Fields that the kernel does not know are 0, which it checks. */
	fd = (int)syscall(__NR_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd < 0)
		return -errno;
	err = syscall(__NR_landlock_restrict_self, fd, 0) ? -errno : 0;
	close(fd);
	return err;
}
