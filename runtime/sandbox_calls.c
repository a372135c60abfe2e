// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox_calls.c - see sandbox_calls.h.
 *
 * The filter is libseccomp's: a list of calls to allow. A call that is allowed whatever its
 * arguments are costs no run of it (the kernel finds out at set-up and keeps a bitmap), and
 * sched_yield(), of which the worker makes one a cycle, is such a call.
 *
 * A refused call raises SIGSYS here (SECCOMP_RET_TRAP) and is not made. The handler notes which
 * one and ends the process. A policy that overwrites the handler's code, blocks the signal (as
 * fork() of glibc 2.41 does) or has used up the stack ends without a note, or goes on without
 * having made the call.
 */
#define _GNU_SOURCE
#include "sandbox_calls.h"

#include <errno.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Allowed whatever their arguments are; found with strace, see the comments for the rare ones. */
static const int always[] = {
	SCMP_SYS(sched_yield),
	SCMP_SYS(getrusage),
	SCMP_SYS(clock_gettime), /* of CPU time, and where the vDSO cannot tell the time */
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(restart_syscall), /* a sleep that SIGSTOP interrupted */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap), /* realloc() of a large block */
	SCMP_SYS(mprotect),
	SCMP_SYS(brk),
	SCMP_SYS(getrandom), /* a new Lua state */
	SCMP_SYS(poll),	     /* scx.log(): is there room? */
	SCMP_SYS(ppoll),
	SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigprocmask), /* abort(), with the next two */
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
};

/* Adds to a list that has not failed yet; *err keeps the first error. */
static void allow(scmp_filter_ctx list, int *err, int call, unsigned int nr_tests,
		  const struct scmp_arg_cmp *test)
{
	if (!*err)
		*err = seccomp_rule_add_array(list, SCMP_ACT_ALLOW, call, nr_tests, test);
}

/* The header's macros leave fields out, of which clang complains. */
static struct scmp_arg_cmp equals(unsigned int arg, uint32_t value)
{
	return (struct scmp_arg_cmp){ .arg = arg, .op = SCMP_CMP_EQ, .datum_a = value };
}

static void allow_fd(scmp_filter_ctx list, int *err, int call, int fd)
{
	const struct scmp_arg_cmp is_fd = equals(0, (uint32_t)fd);

	if (fd >= 0)
		allow(list, err, call, 1, &is_fd);
}

static int fill(scmp_filter_ctx list, int read_fd, int write_fd)
{
	const struct scmp_arg_cmp anonymous = { .arg = 3,
						.op = SCMP_CMP_MASKED_EQ,
						.datum_a = MAP_ANONYMOUS,
						.datum_b = MAP_ANONYMOUS };
	const struct scmp_arg_cmp wake = equals(1, FUTEX_WAKE_PRIVATE);
	const struct scmp_arg_cmp abort_self[] = { equals(0, (uint32_t)getpid()),
						   equals(2, SIGABRT) };
	int err = 0;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		allow(list, &err, always[i], 0, NULL);
	allow_fd(list, &err, SCMP_SYS(read), read_fd);
	allow_fd(list, &err, SCMP_SYS(write), write_fd);
	allow_fd(list, &err, SCMP_SYS(write), STDERR_FILENO);
	allow_fd(list, &err, SCMP_SYS(writev), STDERR_FILENO); /* the C library's last words */
	allow(list, &err, SCMP_SYS(mmap), 1, &anonymous);
	allow(list, &err, SCMP_SYS(futex), 1, &wake); /* pthread_once(), in the first error */
	allow(list, &err, SCMP_SYS(tgkill), 2, abort_self);
	return err;
}

/* Where the handler notes the call: a signal comes where no argument can be passed. */
static uint32_t *note;

static void on_refused(int signal, siginfo_t *info, void *context)
{
	uint32_t none = 0;

	(void)signal;
	(void)context;
	__atomic_compare_exchange_n(note, &none, (uint32_t)info->si_syscall + 1, false,
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	_exit(SANDBOX_REFUSED_STATUS);
}

static int catch_refusals(uint32_t *refused)
{
	struct sigaction action = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO };
	sigset_t set;

	note = refused;
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	if (sigaction(SIGSYS, &action, NULL) || sigprocmask(SIG_UNBLOCK, &set, NULL))
		return -errno;
	return 0;
}

int sandbox_limit_calls(int read_fd, int write_fd, uint32_t *refused)
{
	scmp_filter_ctx list;
	int err = catch_refusals(refused);

	if (err)
		return err;
	list = seccomp_init(SCMP_ACT_TRAP);
	if (!list)
		return -ENOMEM;
	/* The numbers of another architecture mean other calls. */
	err = seccomp_attr_set(list, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = seccomp_attr_set(list, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (!err)
		err = fill(list, read_fd, write_fd);
	if (!err)
		err = seccomp_load(list);
	seccomp_release(list);
	return err;
}

const char *sandbox_call_name(uint32_t refused)
{
	static char name[64];
	char *known;

	if (!refused)
		return "(unknown: signals were blocked)";
	known = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)(refused - 1));
	snprintf(name, sizeof(name), "%s", known ? known : "(unknown)");
	free(known);
	return name;
}
