// SPDX-License-Identifier: GPL-2.0-only
/*
 * session.c - see session.h, and supervisor_run() of supervisor.h.
 *
 * A kernel that sees CPUs come or go between our look at them and the attaching refuses, and asks
 * for another try. Each takes seconds, so while hotplug goes on they fail one after another: they
 * are counted and come at growing intervals. Whatever ends them, how the last attachment ended is
 * told, and its counters are written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "control.h"
#include "library.h"
#include "log.h"
#include "supervisor.h"
#include "supervisor_state.h"

enum {
	MAX_REFUSALS = 10, /* in a row */
	FIRST_PAUSE_MS = 100,
	LONGEST_PAUSE_MS = 3200,
	EXIT_UNREG = 64, /* SCX_EXIT_UNREG: we have detached it */
};

sigset_t session_signals(const struct session *x)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	if (x->command.argv) /* it may have use for it: then we must not end */
		sigaddset(&mask, SIGQUIT);
	return mask;
}

bool session_is_quiet(const struct session *x)
{
	return x->command.argv && !x->opt->verbose;
}

/* ---- memory compaction ---- */

static void say_compaction(struct session *x, const char *what, int err)
{
	if (err && !x->is_compaction_said)
		log_line("vm.compact_unevictable_allowed cannot be %s: %s (what it was is noted in "
			 "%s)",
			 what, strerror(-err), x->compaction.note);
	x->is_compaction_said |= err != 0;
}

void session_recover(struct session *x)
{
	say_compaction(x, "restored", compaction_recover(&x->compaction));
}

void session_hold(struct session *x)
{
	say_compaction(x, "set to 0", compaction_hold(&x->compaction));
}

void session_release(struct session *x)
{
	say_compaction(x, "restored", compaction_release(&x->compaction));
}

/* ---- attachments, one after another ---- */

static void say_exit(struct session *x, const char *dump)
{
	bool is_ordinary = x->exit.kind == EXIT_UNREG;

	if (!x->is_exit_said && !(session_is_quiet(x) && is_ordinary))
		report_exit(stderr, &x->exit, dump);
	x->is_exit_said = true;
}

void session_detached(struct session *x, const struct scxlua_exit *exit, const char *dump,
		      enum status status)
{
	x->was_attached = true;
	x->is_exit_said = false;
	x->exit = *exit;
	if (status == STATUS_RESTART)
		return;
	/* What is said may block, and Ctrl-C shall end it; a command gets its signals first. */
	if (!run_command_is_running(&x->command)) {
		notify_stopping(&x->remote.notify);
		sigprocmask(SIG_SETMASK, &x->old_mask, NULL);
	}
	say_exit(x, dump);
}

/* Without a scheduler for `ms`: true if we are told to end meanwhile, or the command has ended. */
static bool linger(struct session *x, uint64_t ms)
{
	static const struct timespec step = { .tv_nsec = 100 * NSEC_PER_MSEC };
	uint64_t begin_ns = supervisor_now_ns(), now_ns = begin_ns;
	sigset_t mask = session_signals(x);
	siginfo_t info;
	int signo;

	while (!run_command_poll(&x->command) && (now_ns - begin_ns) / NSEC_PER_MSEC < ms) {
		signo = sigtimedwait(&mask, &info, &step);
		if (signo == SIGHUP)
			x->remote.reload_wanted = true;
		else if (signo > 0 && signo != SIGCHLD &&
			 !run_command_signal(&x->command, signo, info.si_code == SI_KERNEL))
			return true;
		now_ns = supervisor_now_ns();
		notify_tick(&x->remote.notify, now_ns);
	}
	return x->command.has_ended;
}

static enum status attach_until_it_lasts(struct session *x)
{
	uint32_t nr_refusals = 0, pause_ms = FIRST_PAUSE_MS;
	enum status status;

	while ((status = supervise(x)) == STATUS_RESTART) {
		x->total.kernel_restarts++;
		if (x->has_scheduled) {
			nr_refusals = 0;
			pause_ms = FIRST_PAUSE_MS;
		}
		if (++nr_refusals > MAX_REFUSALS) {
			log_line("CPUs came or went during %d attempts in a row to attach again: "
				 "start it when they stay",
				 MAX_REFUSALS);
			return STATUS_FAILED;
		}
		log_line("the kernel asks to be attached anew (CPU hotplug): attempt %u of %d in "
			 "%u ms",
			 nr_refusals, MAX_REFUSALS, pause_ms);
		if (linger(x, pause_ms))
			return STATUS_OK;
		pause_ms = pause_ms < LONGEST_PAUSE_MS ? pause_ms * 2 : LONGEST_PAUSE_MS;
	}
	return status;
}

/* ---- beginning and end ---- */

/* After an ejection, or whatever else ended the scheduler before its command. */
static void wait_for_command(struct session *x)
{
	if (run_command_poll(&x->command) || !run_command_is_running(&x->command))
		return;
	log_line("%s (pid %d) goes on without the policy: the kernel schedules it as it does others",
		 x->command.argv[0], (int)x->command.pid);
	remote_hang_up(&x->remote);
	linger(x, UINT64_MAX);
	notify_stopping(&x->remote.notify);
}

/* Whatever there is to tell when all is over. The exit status. */
static int last_words(struct session *x, enum status status)
{
	int exit_status = run_command_status(&x->command, (int)status), err;

	sigprocmask(SIG_SETMASK, &x->old_mask, NULL);
	if (!x->was_attached)
		return exit_status;
	say_exit(x, "");
	err = x->opt->json ? report_json(x->opt->json, &x->total, &x->exit, exit_status) : 0;
	if (err)
		log_line("cannot write %s: %s", x->opt->json, strerror(-err));
	return exit_status;
}

static int schedule(struct session *x)
{
	sigset_t mask;
	enum status status;
	int exit_status, err = 0;

	if (x->opt->command_argv)
		err = run_command_fork(&x->command, x->opt->command_argv);
	if (err) {
		log_line("cannot start %s: %s", x->opt->command_argv[0], strerror(-err));
		return STATUS_FAILED;
	}
	mask = session_signals(x);
	sigprocmask(SIG_BLOCK, &mask, &x->old_mask);
	status = attach_until_it_lasts(x);
	wait_for_command(x);
	run_command_close(&x->command);
	exit_status = last_words(x, status);
	remote_close(&x->remote);
	return exit_status;
}

int supervisor_run(const struct options *opt)
{
	static struct session x = { .remote.notify.fd = -1 }; /* too large for the stack */
	char error[POLICY_ERROR_LEN];
	struct library *library;
	int status;

	log_open();
	x.opt = opt;
	x.remote.started_ns = supervisor_now_ns();
	compaction_init(&x.compaction, control_dir());
	if (read_policy(opt, opt->policy, &x.script, error)) {
		log_line("%s", error);
		return STATUS_USAGE;
	}
	if (library_read(&library, lua_policy_libdir(), error)) {
		log_line("%s", error);
		script_free(x.script);
		return STATUS_USAGE;
	}
	x.library = library;
	status = schedule(&x);
	script_free(x.script);
	library_free(library);
	return status;
}
