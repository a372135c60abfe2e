// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox.c - see sandbox.h.
 *
 * Order matters: what reads files first, then descriptors, then the user (which gives up the
 * right to do what came before), then Landlock (needs no_new_privs), and seccomp last, which
 * allows none of the calls made here.
 */
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy.h"
#include "sandbox_landlock.h"

enum { NOBODY = 65534 };

/* ---- memory ---- */

/* Bytes of address space in use; -errno. */
static long long address_space(void)
{
	unsigned long long pages;
	FILE *f = fopen("/proc/self/statm", "re");
	int found;

	if (!f)
		return -errno;
	found = fscanf(f, "%llu", &pages);
	fclose(f);
	return found == 1 ? (long long)(pages * (unsigned long long)sysconf(_SC_PAGESIZE)) : -EIO;
}

static int set_limit(int resource, rlim_t value)
{
	const struct rlimit limit = { value, value };

	return setrlimit(resource, &limit) ? -errno : 0;
}

/*
 * The arena bounds what Lua allocates, not what malloc() gives a script. In the worker all of it
 * would be locked memory.
 */
static int limit_memory(const struct sandbox *s)
{
	long long used = address_space();

	return used < 0 ? (int)used : set_limit(RLIMIT_AS, (rlim_t)used + s->memory_bytes);
}

/* ---- descriptors ---- */

/* Standard output carries the live line and the JSON, input may be a terminal: not the policy's. */
static int close_stdio(const struct sandbox *s)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int err = 0;

	(void)s;
	if (fd < 0)
		return -errno;
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		err = -errno;
	if (fd > STDERR_FILENO)
		close(fd);
	return err;
}

/* Closes what is above `above` and below `below`. */
static int close_between(int above, int below)
{
	if (above + 1 >= below)
		return 0;
	return close_range((unsigned int)above + 1, (unsigned int)below - 1, 0) ? -errno : 0;
}

static int close_others(const struct sandbox *s)
{
	int low = s->read_fd < s->write_fd ? s->read_fd : s->write_fd;
	int high = s->read_fd < s->write_fd ? s->write_fd : s->read_fd;
	int err;

	low = low > STDERR_FILENO ? low : STDERR_FILENO;
	high = high > low ? high : low;
	err = close_between(STDERR_FILENO, low);
	if (!err)
		err = close_between(low, high);
	if (!err && close_range((unsigned int)high + 1, ~0u, 0))
		err = -errno;
	return err;
}

/*
 * No descriptor above standard error can be made, and no file but the one that standard error may
 * be can grow; that one has to, or scx.log() would end after so many bytes.
 */
static int limit_files(const struct sandbox *s)
{
	struct stat st;
	int err = set_limit(RLIMIT_NOFILE, STDERR_FILENO + 1);

	(void)s;
	if (!err)
		err = set_limit(RLIMIT_CORE, 0);
	if (!err && (fstat(STDERR_FILENO, &st) || !S_ISREG(st.st_mode)))
		err = set_limit(RLIMIT_FSIZE, 0);
	return err;
}

/* ---- rights ---- */

static int no_new_privileges(const struct sandbox *s)
{
	(void)s;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

static int drop_bounding_set(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ? -errno : 0;
}

static int become_nobody(const struct sandbox *s)
{
	int err;

	(void)s;
	if (geteuid())
		return 0;
	err = drop_bounding_set();
	if (!err && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
		     setresuid(NOBODY, NOBODY, NOBODY)))
		err = -errno;
	return err;
}

static int drop_capabilities(const struct sandbox *s)
{
	cap_t none = cap_init();
	int err = none && !cap_set_proc(none) ? 0 : -errno;

	(void)s;
	cap_free(none);
	if (!err)
		err = set_limit(RLIMIT_NPROC, 0); /* of this user: after it has become another */
	return err;
}

/* A change of user clears both: it must come before. */
static int tie_to_parent(const struct sandbox *s)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_DUMPABLE, 0))
		return -errno;
	/* It died before we could ask to die with it. */
	return getppid() == s->parent ? 0 : -ESRCH;
}

static int close_file_systems(const struct sandbox *s)
{
	(void)s;
	return sandbox_landlock();
}

static int limit_calls(const struct sandbox *s)
{
	return sandbox_limit_calls(s->read_fd, s->write_fd, s->refused);
}

int sandbox_enter(const struct sandbox *s, char *error)
{
	static const struct {
		int (*enter)(const struct sandbox *s);
		const char *what;
	} layers[] = {
		{ limit_memory, "limit its memory (needs /proc)" },
		{ close_stdio, "open /dev/null" },
		{ close_others, "close its descriptors" },
		{ no_new_privileges, "set no_new_privs" },
		{ close_file_systems, "set up Landlock" },
		{ limit_files, "limit its files" },
		{ become_nobody,
		  "become user nobody (needs CAP_SETUID, CAP_SETGID and CAP_SETPCAP)" },
		{ drop_capabilities, "drop its capabilities" },
		{ tie_to_parent, "tie its life to scxlua's" },
		{ limit_calls, "set up seccomp (needs CONFIG_SECCOMP_FILTER)" },
	};
	int err;

	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		err = layers[i].enter(s);
		if (!err)
			continue;
		snprintf(error, POLICY_ERROR_LEN,
			 "the policy's process could not %s: %s; --no-sandbox runs the policy "
			 "without a sandbox",
			 layers[i].what, strerror(-err));
		return -1;
	}
	return 0;
}
