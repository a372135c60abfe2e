// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox_calls.c - see sandbox_calls.h.
 *
 * The filter is a list of "is it this call? then allow", written as classic BPF by hand: it is
 * short, and a call that is allowed whatever its arguments are costs no run of the filter (the
 * kernel finds out at set-up and keeps a bitmap). sched_yield(), of which the worker makes one a
 * cycle, is such a call.
 *
 * A refused call raises SIGSYS here (SECCOMP_RET_TRAP) and is not made. The handler notes which
 * one and ends the process. A policy that overwrites the handler's code, blocks the signal or
 * has used up the stack ends without a note, or goes on without having made the call.
 */
#define _GNU_SOURCE
#include "sandbox_calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OUR_ARCH AUDIT_ARCH_PPC64LE
#else
#error "sandbox_calls.c: which AUDIT_ARCH_ has this machine?"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "sandbox_calls.c: the low half of an argument comes first only on little endian"
#endif

enum { MAX_INSTRUCTIONS = 160, MAX_TESTS = 2 };

/* Allowed whatever their arguments are; found with strace, see the comments for the rare ones. */
static const int always[] = {
	__NR_sched_yield,
	__NR_getrusage,
	__NR_clock_gettime, /* of CPU time, and where the vDSO cannot tell the time */
	__NR_clock_nanosleep,
	__NR_nanosleep,
	__NR_restart_syscall, /* a sleep that SIGSTOP interrupted */
	__NR_munmap,
	__NR_mremap, /* realloc() of a large block */
	__NR_mprotect,
	__NR_brk,
	__NR_getrandom, /* a new Lua state */
#ifdef __NR_poll
	__NR_poll, /* scx.log(): is there room? */
#endif
	__NR_ppoll,
	__NR_exit_group,
	__NR_rt_sigprocmask, /* abort(), with the next two */
	__NR_gettid,
	__NR_getpid,
};

struct program {
	struct sock_filter code[MAX_INSTRUCTIONS];
	unsigned short len;
};

/* A test of the low 32 bits of an argument: equal to value, or with a bit of it set. */
struct test {
	uint32_t arg;
	uint16_t jump; /* BPF_JEQ, BPF_JSET */
	uint32_t value;
};

static void emit(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	p->code[p->len++] = (struct sock_filter){ code, jt, jf, k };
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void verdict(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, 0, 0, action);
}

static void allow(struct program *p, int nr)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)nr);
	verdict(p, SECCOMP_RET_ALLOW);
}

/* Allows the call if all tests pass; if not, the list goes on. */
static void allow_if(struct program *p, int nr, const struct test *test, uint8_t n)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(2 * n + 2), (uint32_t)nr);
	for (uint8_t i = 0; i < n; i++) {
		load(p, offsetof(struct seccomp_data, args) + test[i].arg * sizeof(uint64_t));
		emit(p, (uint16_t)(BPF_JMP | BPF_K | test[i].jump), 0,
		     (uint8_t)(2 * (n - 1 - i) + 1), test[i].value);
	}
	verdict(p, SECCOMP_RET_ALLOW);
	load(p, offsetof(struct seccomp_data, nr));
}

static void allow_fd(struct program *p, int nr, int fd)
{
	if (fd >= 0)
		allow_if(p, nr, &(struct test){ 0, BPF_JEQ, (uint32_t)fd }, 1);
}

static void write_program(struct program *p, int read_fd, int write_fd)
{
	const struct test anonymous = { 3, BPF_JSET, MAP_ANONYMOUS };
	const struct test wake = { 1, BPF_JEQ, FUTEX_WAKE_PRIVATE };
	const struct test abort_self[MAX_TESTS] = { { 0, BPF_JEQ, (uint32_t)getpid() },
						    { 2, BPF_JEQ, SIGABRT } };

	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, OUR_ARCH);
	verdict(p, SECCOMP_RET_KILL_PROCESS); /* its numbers mean other calls */
	load(p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		allow(p, always[i]);
	allow_fd(p, __NR_read, read_fd);
	allow_fd(p, __NR_write, write_fd);
	allow_fd(p, __NR_write, STDERR_FILENO);
	allow_fd(p, __NR_writev, STDERR_FILENO); /* the C library's last words */
	allow_if(p, __NR_mmap, &anonymous, 1);
	allow_if(p, __NR_futex, &wake, 1); /* pthread_once(), in the first error that is raised */
	allow_if(p, __NR_tgkill, abort_self, MAX_TESTS);
	verdict(p, SECCOMP_RET_TRAP);
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
	struct program program = { .len = 0 };
	struct sock_fprog filter = { .filter = program.code };
	int err = catch_refusals(refused);

	if (err)
		return err;
	write_program(&program, read_fd, write_fd);
	filter.len = program.len;
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) ? -errno : 0;
}

/* Made by the build from the compiler's <sys/syscall.h>. */
static const char *const names[] = {
#define CALL(name) [__NR_##name] = #name,
#include "syscall_names.inc"
#undef CALL
};

const char *sandbox_call_name(uint32_t refused)
{
	uint32_t nr = refused - 1;

	if (!refused || nr >= sizeof(names) / sizeof(names[0]) || !names[nr])
		return "(unknown)";
	return names[nr];
}
