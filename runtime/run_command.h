/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run_command.h - the command of `scxlua run`: the only one whose tasks the policy schedules.
 *
 * It is forked first of all, before we have opened, blocked, raised or locked anything, and waits.
 * So the command runs with what we were started with: environment, descriptors, terminal, process
 * group, limits, signal mask and dispositions. When the policy schedules it is told to go: it
 * enters class SCHED_EXT, which all that it starts inherits, and executes the command.
 *
 * It is our child through all attachments of the scheduler, and needs none: without one the kernel
 * runs it in the fair class. Should we be killed before it was told to go, it ends; later it
 * goes on alone.
 *
 * Order of use: run_command_fork, run_command_go, run_command_poll (or _reaped) until it has
 * ended, run_command_close, run_command_status. On a zeroed object, which is no command, all of
 * them but the first do nothing.
 */
#ifndef SCXLUA_RUN_COMMAND_H
#define SCXLUA_RUN_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct run_command {
	char *const *argv; /* NULL: no command */
	pid_t pid;	   /* also after its end, for messages */
	int go_fd;
	bool has_started, has_ended;
	int wait_status; /* once it has ended */
	int stop_signal; /* that came before it was started, 0 = none */
};

/* Forks it; argv ends with NULL and is borrowed. 0 or -errno. */
int run_command_fork(struct run_command *c, char *const *argv);

/* Starts it, unless it is. */
void run_command_go(struct run_command *c);

/* Started, and not ended as far as we know. */
bool run_command_is_running(const struct run_command *c);

/* Somebody has waited for `pid`: true if that was the command. */
bool run_command_reaped(struct run_command *c, pid_t pid, int wait_status);

/* Waits for it without blocking: true once it has ended. */
bool run_command_poll(struct run_command *c);

/*
 * We got SIGINT, SIGQUIT or SIGTERM: true if the running command has it now. It is not sent what
 * the terminal has sent to our whole process group, itself included. False: it is for us.
 */
bool run_command_signal(struct run_command *c, int signo, bool is_from_terminal);

/* Ends one that was not started; waits for it. */
void run_command_close(struct run_command *c);

/*
 * The exit status of `scxlua run` as shells give it: that of the command, 128 + N if signal N
 * ended it, or us before it was started; `ours` if it was not started for another reason.
 */
int run_command_status(const struct run_command *c, int ours);

#endif
