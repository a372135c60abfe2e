/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the command line: one table of options, from which parsing, ranges, --help and
 * the test of the README's list are made.
 */
#ifndef SCXLUA_OPTIONS_H
#define SCXLUA_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policy_lua.h"
#include "status.h"

enum command {
	COMMAND_RUN, /* schedule; with command_argv only that command */
	COMMAND_CHECK,
	COMMAND_STATUS,
	COMMAND_RELOAD,
	COMMAND_SET,
	COMMAND_TOP,
	COMMAND_MONITOR,
	COMMAND_HELP,
	COMMAND_HELP_STATS,
	COMMAND_VERSION,
};

enum { MAX_POLICY_OPTIONS = 64 };

struct options {
	enum command command;
	const char *policy;
	char *const *operand; /* what follows a verb */
	uint32_t nr_operands;
	char *const *command_argv; /* of the verb run, ends with NULL; else NULL */
	const char *json;
	struct lua_option policy_option[MAX_POLICY_OPTIONS];
	uint32_t nr_policy_options;
	uint32_t partial, verbose;
	uint32_t slice_us, max_slice_us;
	uint32_t stats_s, monitor_s;
	uint32_t exit_dump_len;
	uint32_t hold_ms, starve_ms, budget_ms, late_ms, timeout_ms;
	uint32_t lua_mem_mib, max_tasks, kthreads;
	uint32_t no_sandbox, allow_unsafe_path;
	uint32_t fault_drop, fault_ring_full, fault_wrong_cpu, fault_no_drain, fault_no_age;
	uint32_t fault_no_starve, fault_no_stale, fault_no_bypass, fault_no_validate,
		fault_no_watchdog, fault_unsafe;
};

/*
 * Reads argv into *o, defaults included. STATUS_OK, or STATUS_USAGE and one line in
 * error[STATUS_ERROR_LEN]. Strings point into argv.
 */
enum status options_parse(struct options *o, int argc, char **argv, char *error);

void options_help(FILE *f);

#endif
