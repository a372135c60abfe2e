// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - scxlua: a Lua script as the CPU scheduler of this machine.
 *
 * Reads the command line and does what it says. The only file that turns a result into an
 * exit status. Reading order for the rest: abi.h, scxlua.bpf.c, ring.h, engine.c, worker.c,
 * supervisor.c, policy_lua.c, and a policy.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "client.h"
#include "exec_memory.h"
#include "log.h"
#include "options.h"
#include "scx_stats.h"
#include "supervisor.h"

#ifndef SCXLUA_VERSION
#define SCXLUA_VERSION "0"
#endif

/*
 * Started with one of the three closed, what is opened next would get its number, and be taken
 * for it.
 */
static void fill_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct options opt;
	char error[STATUS_ERROR_LEN];
	enum status status;

	fill_stdio();
	status = options_parse(&opt, argc, argv, error);

	if (status == STATUS_OK && (opt.command == COMMAND_CHECK || opt.command == COMMAND_RUN))
		status = exec_memory_check(error);
	if (status != STATUS_OK) {
		log_line("%s", error);
		return status;
	}
	switch (opt.command) {
	case COMMAND_HELP:
		options_help(stdout);
		return STATUS_OK;
	case COMMAND_HELP_STATS:
		scx_stats_help(stdout);
		return STATUS_OK;
	case COMMAND_VERSION:
		printf("scxlua %s (ABI %d)\n", SCXLUA_VERSION, SCXLUA_ABI);
		return STATUS_OK;
	case COMMAND_CHECK:
		return check_run(opt.policy, opt.policy_option, opt.nr_policy_options,
				 &(struct check_args){ .json = opt.json,
						       .no_sandbox = opt.no_sandbox });
	case COMMAND_STATUS:
		return client_status(opt.json);
	case COMMAND_RELOAD:
		return client_reload(opt.nr_operands ? opt.operand[0] : NULL);
	case COMMAND_SET:
		return client_set(opt.operand, opt.nr_operands);
	case COMMAND_TOP:
		return client_monitor(opt.monitor_s ? opt.monitor_s : 1, false);
	case COMMAND_MONITOR:
		return client_monitor(opt.monitor_s, true);
	case COMMAND_RUN:
		return supervisor_run(&opt);
	}
	return STATUS_USAGE;
}
