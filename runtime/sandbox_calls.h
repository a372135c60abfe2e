/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sandbox_calls.h - the system calls that the process of a policy may make (seccomp).
 *
 * A short list: what the engine, LuaJIT, the C library's memory, scx.log() and the end of a
 * process need. Any other call is not made; the process notes which it was and ends.
 */
#ifndef SCXLUA_SANDBOX_CALLS_H
#define SCXLUA_SANDBOX_CALLS_H

#include <stdint.h>

/* Exit status of a process that ended itself because a call was refused. */
enum { SANDBOX_REFUSED_STATUS = 95 };

/*
 * For good, and for this process alone. It may read from read_fd and write to write_fd (-1: none)
 * and to standard error. The first call that is refused is noted in *refused, its number plus 1,
 * which should be memory that somebody else can see. Needs no_new_privs or CAP_SYS_ADMIN.
 * 0 or -errno.
 */
int sandbox_limit_calls(int read_fd, int write_fd, uint32_t *refused);

/* The name of a call by what was noted, until the next call of this; without a name, why. */
const char *sandbox_call_name(uint32_t refused);

#endif
