/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sandbox_landlock.h - no file systems, no TCP, nobody else's abstract sockets and no signals to
 * others, by the kernel's Landlock: a second wall behind seccomp, which knows calls but not what
 * they are made on.
 */
#ifndef SCXLUA_SANDBOX_LANDLOCK_H
#define SCXLUA_SANDBOX_LANDLOCK_H

#include <stdbool.h>

bool sandbox_has_landlock(void);

/*
 * Forbids the calling thread, for good, everything that this kernel's Landlock knows of, without
 * exception; what is open stays open. Needs no_new_privs or CAP_SYS_ADMIN. 0, also on a kernel
 * without Landlock, or -errno.
 */
int sandbox_landlock(void);

#endif
