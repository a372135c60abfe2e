// SPDX-License-Identifier: GPL-2.0-only
/*
 * failing.c - a library to be preloaded that lets the Nth call of the memory and system functions
 * that a start of scxlua makes fail, as they do when memory or descriptors run out.
 *
 *   FAILING=N LD_PRELOAD=failing.so CMD     FAILING=0 counts only
 *
 * What fails: malloc, calloc, realloc, mmap, fork, open, openat, fopen, memfd_create, eventfd,
 * signalfd, timerfd_create, ftruncate. When the Nth call came, its name goes to the file FAILED.
 * Calls are counted per process; a child goes on where its parent was.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <unistd.h>

static long countdown = -1; /* calls until the one that fails; -1 = not read yet */
static int off;		    /* inside: what we call ourselves shall not fail */

static void note(const char *what)
{
	const char *path = getenv("FAILED");
	int fd;

	if (!path)
		return;
	off++;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd >= 0) {
		if (write(fd, what, strlen(what)) < 0 || write(fd, "\n", 1) < 0)
			off++; /* cannot be said; it is not counted then */
		close(fd);
	}
	off--;
}

/* Is this the call that fails? */
static int fails(const char *what, int error)
{
	const char *text;

	if (off)
		return 0;
	if (countdown < 0) {
		text = getenv("FAILING");
		countdown = text ? atol(text) : 0;
	}
	if (countdown == 0 || --countdown > 0)
		return 0;
	note(what);
	errno = error;
	return 1;
}

/* The function of that name behind ours. */
static void *next(const char *name)
{
	void *fn;

	off++;
	fn = dlsym(RTLD_NEXT, name);
	off--;
	return fn;
}

/* The real function as `real`, looked up once. */
#define NEXT(name)                                                                                 \
	static __typeof__(name) *real;                                                             \
	if (!real)                                                                                 \
	real = (__typeof__(name) *)(uintptr_t)next(#name)

/* dlsym() may allocate before it can say where calloc() is. */
static char early[4096];
static size_t early_used;

static int is_early(const void *p)
{
	return (const char *)p >= early && (const char *)p < early + sizeof(early);
}

void *calloc(size_t n, size_t size)
{
	static void *(*real)(size_t, size_t);
	static int looking;
	char *at;

	if (!real && looking) {
		at = early + early_used;
		early_used += (n * size + 15) & ~(size_t)15;
		return early_used <= sizeof(early) ? at : NULL;
	}
	if (!real) {
		looking = 1;
		real = (void *(*)(size_t, size_t))(uintptr_t)next("calloc");
		looking = 0;
	}
	return fails("calloc", ENOMEM) ? NULL : real(n, size);
}

void free(void *p)
{
	NEXT(free);
	if (!is_early(p))
		real(p);
}

void *malloc(size_t size)
{
	NEXT(malloc);
	return fails("malloc", ENOMEM) ? NULL : real(size);
}

void *realloc(void *p, size_t size)
{
	NEXT(realloc);
	return fails("realloc", ENOMEM) ? NULL : real(p, size);
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	NEXT(mmap);
	return fails("mmap", ENOMEM) ? MAP_FAILED : real(at, len, prot, flags, fd, offset);
}

pid_t fork(void)
{
	NEXT(fork);
	return fails("fork", EAGAIN) ? -1 : real();
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	NEXT(open);
	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return fails("open", EMFILE) ? -1 : real(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	NEXT(openat);
	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return fails("openat", EMFILE) ? -1 : real(dir, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	NEXT(fopen);
	return fails("fopen", EMFILE) ? NULL : real(path, mode);
}

int memfd_create(const char *name, unsigned int flags)
{
	NEXT(memfd_create);
	return fails("memfd_create", EMFILE) ? -1 : real(name, flags);
}

int eventfd(unsigned int value, int flags)
{
	NEXT(eventfd);
	return fails("eventfd", EMFILE) ? -1 : real(value, flags);
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
	NEXT(signalfd);
	return fails("signalfd", EMFILE) ? -1 : real(fd, mask, flags);
}

int timerfd_create(clockid_t clock, int flags)
{
	NEXT(timerfd_create);
	return fails("timerfd_create", EMFILE) ? -1 : real(clock, flags);
}

int ftruncate(int fd, off_t len)
{
	NEXT(ftruncate);
	return fails("ftruncate", ENOSPC) ? -1 : real(fd, len);
}
