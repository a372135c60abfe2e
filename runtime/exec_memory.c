// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec_memory.c - see exec_memory.h.
 *
 * systemd's MemoryDenyWriteExecute= is either prctl(PR_SET_MDWE) or a seccomp filter, and other
 * things forbid the same (SELinux's execmem), so what LuaJIT does is tried.
 */
#define _GNU_SOURCE
#include "exec_memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66 /* Linux 6.3 */
#endif

/*
 * Written first, then made executable, as LuaJIT does with its code. 0, or -errno if that is
 * forbidden; memory that cannot be had is for somebody else to report.
 */
static int try_exec(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *code = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err = 0;

	if (code == MAP_FAILED)
		return 0;
	code[0] = 0;
	if (mprotect(code, page, PROT_READ | PROT_EXEC) && (errno == EACCES || errno == EPERM))
		err = -errno;
	munmap(code, page);
	return err;
}

enum status exec_memory_check(char *error)
{
	int err = try_exec();
	bool mdwe = prctl(PR_GET_MDWE, 0, 0, 0, 0) > 0;

	if (!err)
		return STATUS_OK;
	snprintf(error, STATUS_ERROR_LEN,
		 "memory cannot be made executable (%s), and LuaJIT needs that: %s is on for this "
		 "process; set MemoryDenyWriteExecute=no in its unit",
		 strerror(-err),
		 mdwe ? "MemoryDenyWriteExecute (PR_SET_MDWE)" :
			"MemoryDenyWriteExecute, or another filter of system calls,");
	return STATUS_NO_EXEC;
}
