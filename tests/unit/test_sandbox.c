// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_sandbox.c - what a process in the sandbox can do, and that it ends, with the right call
 * noted, when it tries something else. Each case is a child of its own. As root the sandbox also
 * changes the user; what is told of that is a skip for others.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy.h"
#include "sandbox.h"
#include "sandbox_landlock.h"

/* volatile: or the compiler finds out that nothing here is called, and complains. */
static const volatile bool has_sanitizer = SANDBOX_HAS_SANITIZER;

enum { SPARE_BYTES = 64 << 20, BROKEN = 99 };

/* Shared with the children. */
struct shared {
	uint32_t refused;
	char error[POLICY_ERROR_LEN];
};

static struct shared *shared;
static int from_parent = -1, to_parent = -1;

static int set_up(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	from_parent = eventfd(0, EFD_CLOEXEC);
	to_parent = eventfd(0, EFD_CLOEXEC);
	return shared == MAP_FAILED || from_parent < 0 || to_parent < 0 ? -1 : 0;
}

static struct sandbox describe(void)
{
	return (struct sandbox){ .read_fd = from_parent,
				 .write_fd = to_parent,
				 .memory_bytes = SPARE_BYTES,
				 .refused = &shared->refused,
				 .parent = getppid() };
}

/* In the child: enters the sandbox, does it, and ends with its result. */
static pid_t start(int (*inside)(void))
{
	struct sandbox s;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid)
		return pid;
	s = describe();
	if (sandbox_enter(&s, shared->error))
		_exit(BROKEN);
	_exit(inside());
}

static int end_of(pid_t pid)
{
	int status = 0;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == BROKEN)
		print_message("# %s\n", shared->error);
	return status;
}

/* ---- what is allowed ---- */

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__ % 90 + 1;                                                  \
	} while (0)

static int use_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *block = malloc(8 << 20), *code;

	MUST(block);
	memset(block, 1, 8 << 20);
	block = realloc(block, 16 << 20); /* mremap() */
	MUST(block);
	free(block);
	/* As LuaJIT's compiler does it. */
	code = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(code != MAP_FAILED);
	code[0] = 0;
	MUST(!mprotect(code, page, PROT_READ | PROT_EXEC));
	MUST(!munmap(code, page));
	return 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool was_called;

static void nothing(void)
{
	was_called = true;
}

static int use_time_and_once(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct timespec ts;
	struct rusage usage;

	MUST(!clock_gettime(CLOCK_MONOTONIC, &ts) && !clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts));
	MUST(!pthread_once(&once, nothing) && was_called); /* the unwinder's, wakes whoever waits */
	MUST(!nanosleep(&pause, NULL) && !sched_yield() && !getrusage(RUSAGE_SELF, &usage));
	return 0;
}

static int use_descriptors(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	uint64_t value = 1;

	MUST(poll(&fd, 1, 0) >= 0);
	MUST(write(STDERR_FILENO, "", 0) == 0);
	MUST(write(to_parent, &value, sizeof(value)) == sizeof(value));
	MUST(read(from_parent, &value, sizeof(value)) == sizeof(value));
	return value == 7 ? 0 : 1;
}

static void allows(int (*inside)(void))
{
	int status = end_of(start(inside));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(shared->refused, 0);
}

static void allows_memory(void **state)
{
	(void)state;
	allows(use_memory);
}

static void allows_time(void **state)
{
	(void)state;
	allows(use_time_and_once);
}

static void allows_its_descriptors(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(write(from_parent, &value, sizeof(value)), sizeof(value));
	allows(use_descriptors);
	assert_int_equal(read(to_parent, &value, sizeof(value)), sizeof(value));
	assert_int_equal(value, 1);
}

static int abort_inside(void)
{
	abort();
}

/* A crash of the C library is not taken for a breach. */
static void an_abort_is_an_abort(void **state)
{
	int status = end_of(start(abort_inside));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(shared->refused, 0);
}

/* ---- what is not ---- */

struct breach {
	const char *name;
	long nr;
	long arg[6];
};

static const struct breach *breach;

static int do_breach(void)
{
	const long *a = breach->arg;

	syscall(breach->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	return 0;
}

#define REFUSED(call, ...)                                                                         \
	{                                                                                          \
		#call, __NR_##call,                                                                \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
static const char shadow[] = "/etc/shadow";

static void refuses_everything_else(void **state)
{
	static char byte;
	const struct breach breaches[] = {
		REFUSED(openat, AT_FDCWD, (long)shadow, O_RDONLY),
		REFUSED(openat2, AT_FDCWD, (long)shadow),
		REFUSED(socket, 2, 1, 0),
		REFUSED(connect, 3, (long)&byte, 16),
		REFUSED(clone, SIGCHLD),
		REFUSED(clone3, (long)&byte, 64),
		REFUSED(execve, (long)"/bin/true", 0, 0),
		REFUSED(execveat, AT_FDCWD, (long)"/bin/true", 0, 0, 0),
		REFUSED(kill, getpid(), SIGTERM),
		REFUSED(tgkill, getpid(), getpid(), SIGABRT), /* the parent */
		REFUSED(ptrace, 16, getpid(), 0, 0),
		REFUSED(process_vm_writev, getpid(), 0, 0, 0, 0, 0),
		REFUSED(bpf, 0, (long)&byte, 1),
		REFUSED(perf_event_open, 0, 0, -1, -1, 0),
		REFUSED(setuid, 0),
		REFUSED(setresuid, 0, 0, 0),
		REFUSED(capset, 0, 0),
		REFUSED(prctl, PR_SET_DUMPABLE, 1),
		REFUSED(seccomp, 0, 0, 0),
		REFUSED(unshare, CLONE_NEWUSER),
		REFUSED(mount, 0, 0, 0, 0, 0),
		REFUSED(rt_sigaction, SIGSYS, 0, 0, 8),
		REFUSED(sigaltstack, 0, 0),
		REFUSED(sched_setscheduler, 0, 1, 0),
		REFUSED(sched_setaffinity, 0, 8, (long)&byte),
		REFUSED(setpriority, PRIO_PROCESS, 0, 0),
		REFUSED(setrlimit, RLIMIT_AS, 0),
		REFUSED(prlimit64, 0, RLIMIT_AS, 0, 0),
		REFUSED(munlockall),
		REFUSED(memfd_create, (long)"x", 0),
		REFUSED(io_uring_setup, 1, 0),
		REFUSED(userfaultfd, 0),
		REFUSED(pidfd_getfd, 3, 0, 0),
		REFUSED(ioctl, STDERR_FILENO, 0x5412, (long)&byte), /* TIOCSTI */
		REFUSED(dup, STDERR_FILENO),
		REFUSED(close, STDERR_FILENO),
		REFUSED(fcntl, STDERR_FILENO, F_SETFL, 0),
		/* Allowed, but not with these arguments. */
		REFUSED(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, STDERR_FILENO, 0),
		REFUSED(futex, (long)&byte, 0, 0, 0), /* FUTEX_WAIT */
		REFUSED(write, STDOUT_FILENO, (long)&byte, 1),
		REFUSED(read, STDIN_FILENO, (long)&byte, 1),
		REFUSED(read, to_parent, (long)&byte, 8),
		REFUSED(write, from_parent, (long)&byte, 8),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
		int status;

		breach = &breaches[i];
		status = end_of(start(do_breach));
		if (!WIFEXITED(status) || WEXITSTATUS(status) != SANDBOX_REFUSED_STATUS)
			print_message("# %s: wait status %#x\n", breach->name, (unsigned)status);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), SANDBOX_REFUSED_STATUS);
		assert_string_equal(sandbox_call_name(shared->refused), breach->name);
	}
}

static int breach_silently(void)
{
	sigset_t all;

	sigfillset(&all);
	MUST(!sigprocmask(SIG_BLOCK, &all, NULL));
	syscall(__NR_socket, 2, 1, 0);
	return 0;
}

/* A script that keeps the handler from running ends all the same. */
static void a_blocked_signal_kills(void **state)
{
	int status = end_of(start(breach_silently));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	assert_int_equal(shared->refused, 0);
}

#ifdef __x86_64__
static int breach_by_another_abi(void)
{
	long nr = 20; /* getpid() there, writev() here */

	__asm__ volatile("int $0x80" : "+a"(nr) : : "memory", "r8", "r9", "r10", "r11");
	return 0;
}

/* A kernel without the 32-bit ABI kills it with SIGSEGV. */
static void another_abi_kills(void **state)
{
	int status = end_of(start(breach_by_another_abi));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
}
#endif

static int exhaust_memory(void)
{
	size_t got = 0;

	while (mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED)
		if (++got > SPARE_BYTES >> 20)
			return 1;
	return got > SPARE_BYTES >> 21 && errno == ENOMEM ? 0 : 2;
}

static void memory_is_limited(void **state)
{
	(void)state;
	allows(exhaust_memory);
}

/* ---- how it looks from outside ---- */

static int say_and_wait(void)
{
	uint64_t value = 1;

	MUST(write(to_parent, &value, sizeof(value)) == sizeof(value));
	MUST(read(from_parent, &value, sizeof(value)) == sizeof(value));
	return 0;
}

/* Whether a line of a file in /proc of the child is what is expected. */
static bool says(pid_t pid, const char *file, const char *key, const char *rest)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "re");
	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, key, strlen(key)) && strstr(line + strlen(key), rest);
	fclose(f);
	if (!found)
		print_message("# %s: not %s %s\n", path, key, rest);
	return found;
}

static void rights_are_gone(void **state)
{
	uint64_t value;
	pid_t pid = start(say_and_wait);

	(void)state;
	assert_int_equal(read(to_parent, &value, sizeof(value)), sizeof(value));
	assert_true(says(pid, "status", "CapEff:", "0000000000000000"));
	assert_true(says(pid, "status", "CapPrm:", "0000000000000000"));
	assert_true(says(pid, "status", "NoNewPrivs:", "1"));
	assert_true(says(pid, "status", "Seccomp:", "2"));
	if (!geteuid()) {
		assert_true(says(pid, "status", "CapBnd:", "0000000000000000"));
		assert_true(says(pid, "status", "Uid:", "65534\t65534\t65534\t65534"));
		assert_true(says(pid, "status", "Gid:", "65534\t65534\t65534\t65534"));
		assert_true(says(pid, "limits", "Max processes", " 0 "));
		assert_true(says(pid, "limits", "Max open files", " 3 "));
		assert_true(says(pid, "limits", "Max core file size", " 0 "));
	}
	value = 1;
	assert_int_equal(write(from_parent, &value, sizeof(value)), sizeof(value));
	assert_int_equal(end_of(pid), 0);
}

/* The parent's own descriptors are not in it: standard ones and the two events only. */
static void descriptors_are_gone(void **state)
{
	int extra = open("/", O_RDONLY | O_DIRECTORY), fd, nr = 0;
	char path[64], target[256];
	uint64_t value;
	pid_t pid;

	(void)state;
	if (geteuid()) {
		close(extra);
		skip(); /* only root may look at a process that is not dumpable */
	}
	pid = start(say_and_wait);
	assert_int_equal(read(to_parent, &value, sizeof(value)), sizeof(value));
	for (fd = 0; fd < 64; fd++) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		nr++;
		assert_true(fd <= STDERR_FILENO || fd == from_parent || fd == to_parent);
		if (fd < STDERR_FILENO)
			assert_string_equal(target, "/dev/null");
	}
	assert_int_equal(nr, 5);
	value = 1;
	assert_int_equal(write(from_parent, &value, sizeof(value)), sizeof(value));
	assert_int_equal(end_of(pid), 0);
	close(extra);
}

static int enter_as_an_orphan(void)
{
	struct sandbox s = describe();

	s.parent = 1 << 30;
	return sandbox_enter(&s, shared->error) ? 0 : 1;
}

/* A layer that cannot be had is an error that says which, and why. */
static void failure_is_told(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(enter_as_an_orphan());
	assert_int_equal(end_of(pid), 0);
	assert_non_null(strstr(shared->error, "could not tie its life to scxlua's"));
	assert_non_null(strstr(shared->error, "--no-sandbox"));
}

/* Landlock by itself, without seccomp in front of it. */
static int open_under_landlock(void)
{
	MUST(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(open("/etc/passwd", O_RDONLY) >= 0);
	MUST(!sandbox_landlock());
	MUST(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	MUST(open("/tmp/landlock", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	return 0;
}

static void landlock_closes_files(void **state)
{
	pid_t pid;

	(void)state;
	if (!sandbox_has_landlock())
		skip();
	pid = fork();
	if (!pid)
		_exit(open_under_landlock());
	assert_int_equal(end_of(pid), 0);
}

static void calls_have_names(void **state)
{
	(void)state;
	assert_string_equal(sandbox_call_name(__NR_connect + 1), "connect");
	assert_string_equal(sandbox_call_name(__NR_read + 1), "read");
	assert_string_equal(sandbox_call_name(0), "(unknown: signals were blocked)");
	assert_string_equal(sandbox_call_name(1 << 30), "(unknown)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows_memory),	   cmocka_unit_test(allows_time),
		cmocka_unit_test(allows_its_descriptors),  cmocka_unit_test(an_abort_is_an_abort),
		cmocka_unit_test(refuses_everything_else), cmocka_unit_test(a_blocked_signal_kills),
#ifdef __x86_64__
		cmocka_unit_test(another_abi_kills),
#endif
		cmocka_unit_test(memory_is_limited),	   cmocka_unit_test(rights_are_gone),
		cmocka_unit_test(descriptors_are_gone),	   cmocka_unit_test(failure_is_told),
		cmocka_unit_test(landlock_closes_files),   cmocka_unit_test(calls_have_names),
	};

	if (has_sanitizer) {
		printf("1..0 # SKIP a sanitizer makes system calls of its own\n");
		return 0;
	}
	return cmocka_run_group_tests_name("sandbox", tests, set_up, NULL);
}
