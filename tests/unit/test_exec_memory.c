// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_exec_memory.c - the two ways in which systemd forbids to write code and run it, each in a
 * child that forbids it to itself.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec_memory.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

static char *error; /* shared with the child */

static int set_up(void **state)
{
	(void)state;
	error = mmap(NULL, STATUS_ERROR_LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	return error == MAP_FAILED ? -1 : 0;
}

/* The status in a child that has called forbid(); -1 if it could not. */
static int status_after(int (*forbid)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(forbid() ? 255 : (int)exec_memory_check(error));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

static int nothing(void)
{
	return 0;
}

static int by_prctl(void)
{
	return prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);
}

/* As systemd does where the kernel has no such prctl: mprotect() with PROT_EXEC is EPERM. */
static int by_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mprotect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

static void an_ordinary_process_may(void **state)
{
	(void)state;
	assert_int_equal(status_after(nothing), STATUS_OK);
}

static void mdwe_is_named(void **state)
{
	int status = status_after(by_prctl);

	(void)state;
	if (status < 0)
		skip(); /* before Linux 6.3 */
	assert_int_equal(status, STATUS_NO_EXEC);
	assert_non_null(strstr(error, "MemoryDenyWriteExecute (PR_SET_MDWE) is on"));
	assert_non_null(strstr(error, "set MemoryDenyWriteExecute=no in its unit"));
}

static void a_filter_is_named(void **state)
{
	(void)state;
	assert_int_equal(status_after(by_seccomp), STATUS_NO_EXEC);
	assert_non_null(strstr(error, "another filter of system calls, is on"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_process_may),
		cmocka_unit_test(mdwe_is_named),
		cmocka_unit_test(a_filter_is_named),
	};

	return cmocka_run_group_tests_name("exec_memory", tests, set_up, NULL);
}
