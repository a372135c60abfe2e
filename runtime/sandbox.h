/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sandbox.h - the wall around the process that runs a policy.
 *
 * A policy can call any C function through LuaJIT's FFI, so nothing inside Lua stops it. What it
 * may do is what its process may do, and after sandbox_enter() that is: compute, use memory up to
 * a limit, sleep, write to standard error and to one event, read from another, and end. No files,
 * no sockets, no processes, no signals to others, no way to more rights. In layers, of which each
 * would do for most of it: user nobody without capabilities and with no_new_privs, no
 * descriptors, resource limits, Landlock without a rule, seccomp.
 *
 * It stands before the first line of the script runs: whatever needs more comes before that.
 */
#ifndef SCXLUA_SANDBOX_H
#define SCXLUA_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sandbox_calls.h"

/* A sanitizer's library makes calls that the sandbox refuses: what is built with one does without. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_HAS_SANITIZER true
#elif defined(__has_feature)
#define SANDBOX_HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANDBOX_HAS_SANITIZER false
#endif

struct sandbox {
	int read_fd, write_fd; /* the descriptors to keep beside standard error; -1 = none */
	size_t memory_bytes;   /* address space that it may add to what it has now */
	uint32_t *refused;     /* where the first refused call is noted; see sandbox_call_name() */
	pid_t parent;	       /* ends with it */
};

/*
 * Puts the calling process, which has one thread, into the sandbox for good. As root it becomes
 * user nobody; an ordinary user stays who it is. Standard input and output are /dev/null then.
 * 0, or -1 and one line in error[POLICY_ERROR_LEN]: what could not be done, why. The process
 * must not run a policy then: some of the layers may stand, some not.
 */
int sandbox_enter(const struct sandbox *s, char *error);
#endif
