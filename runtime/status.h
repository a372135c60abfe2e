/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * status.h - the exit codes of scxlua: one table, in the README and in --help.
 */
#ifndef SCXLUA_STATUS_H
#define SCXLUA_STATUS_H

enum { STATUS_ERROR_LEN = 1024 };

#define STATUS_TABLE(X)                                                                            \
	X(OK, 0, "ended on request (signal, SysRq-S) or as the kernel asked")                      \
	X(FAILED, 1,                                                                               \
	  "an error that is none of the others; `check`: the policy works but is wrong")           \
	X(USAGE, 2, "bad option, or a policy that cannot be used; nothing was attached")           \
	X(NO_ROOT, 3, "not enough privileges")                                                     \
	X(NO_BTF, 4, "the kernel has no BTF")                                                      \
	X(NO_SCX, 5, "the kernel has no sched_ext")                                                \
	X(BUSY, 6, "another scheduler is attached")                                                \
	X(NO_JIT, 7, "the BPF JIT is off")                                                         \
	X(LIMIT, 8, "a resource limit is too low")                                                 \
	X(REJECTED, 9, "the kernel refused the BPF programs")                                      \
	X(EJECTED, 10, "the kernel ejected the scheduler")                                         \
	X(NO_EXEC, 11, "memory cannot be made executable (`MemoryDenyWriteExecute`)")              \
	X(CANNOT_RUN, 126, "`run`: the command cannot be executed")                                \
	X(NO_COMMAND, 127, "`run`: there is no such command")

enum status {
#define STATUS_ENUM(name, code, help) STATUS_##name = code,
	STATUS_TABLE(STATUS_ENUM)
#undef STATUS_ENUM
		STATUS_RESTART = 100, /* internal: the kernel asks to be attached anew */
};

#endif
