/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec_memory.h - may this process run code that it has written? LuaJIT must, and aborts if not.
 */
#ifndef SCXLUA_EXEC_MEMORY_H
#define SCXLUA_EXEC_MEMORY_H

#include "status.h"

/* STATUS_OK, or STATUS_NO_EXEC and one line in error[STATUS_ERROR_LEN]: what forbids it. */
enum status exec_memory_check(char *error);

#endif
