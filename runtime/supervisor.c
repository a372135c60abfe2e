// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "library.h"
#include "log.h"
#include "sandbox_landlock.h"
#include "supervisor_state.h"

/* The bit of exit_code by which the kernel asks to be attached anew (SCX_ECODE_ACT_RESTART). */
#define ECODE_RESTART (1ull << 48)

enum {
	TICK_MS = 20,
	WAKES_PER_TICK = 64, /* more are a policy's mischief, and wait for the next tick */
};

uint64_t supervisor_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* ---- figures ---- */

void supervisor_report(struct supervisor *s, struct report *r)
{
	const struct scxlua_control *control = kernel_control(s->kernel);

	*r = s->report;
	r->generation = control->generation;
	r->bypass = !s->active;
	r->applied_slice_ns = control->applied_slice_ns;
	r->hash = s->script ? s->script->hash : 0;
	r->log_dropped = log_dropped();
	r->clients_dropped = server_dropped(control_server(s->remote->control)) +
			     server_dropped(scx_stats_server(s->remote->stats));
	kernel_sum(s->kernel, &r->bpf);
	/* The totals of an earlier attachment, after a restart. */
	for (size_t i = 0; i < sizeof(r->bpf) / sizeof(uint64_t); i++)
		((uint64_t *)&r->bpf)[i] += ((const uint64_t *)&s->report.bpf)[i];
	if (!s->active)
		return;
	add_engine(&r->engine, &s->active->shm->stats);
	r->page_faults += s->active->shm->page_faults;
	r->lua_bytes = s->active->shm->lua_bytes;
}

/* Asks the policy for its own figures, and takes those that it was asked for before. */
static void ask_stats(struct supervisor *s, uint64_t now)
{
	struct worker_shm *shm;

	if (!s->active)
		return;
	shm = s->active->shm;
	if (__atomic_load_n(&shm->stats_done, __ATOMIC_ACQUIRE) != shm->stats_wanted)
		return;
	if (shm->stats_wanted)
		keep_policy_stats(s, s->active);
	if (now - s->stats_asked_ns < NSEC_PER_SEC)
		return;
	s->stats_asked_ns = now;
	__atomic_store_n(&shm->stats_wanted, shm->stats_wanted + 1, __ATOMIC_RELEASE);
}

static void live_line(struct supervisor *s, uint64_t now)
{
	struct report r;
	char line[2048];
	int n;

	if (!s->opt->stats_s || !s->attached || now - s->shown_ns < s->opt->stats_s * NSEC_PER_SEC)
		return;
	supervisor_report(s, &r);
	if (s->shown_ns) {
		n = report_line(line, sizeof(line), &r, &s->shown,
				(double)(now - s->shown_ns) / NSEC_PER_SEC);
		log_output(s->opt->command_argv ? STDERR_FILENO : STDOUT_FILENO, line,
			   (size_t)n < sizeof(line) ? (size_t)n : sizeof(line));
	}
	s->shown = r;
	s->shown_ns = now;
}

static void start_wanted_reload(struct supervisor *s)
{
	if (s->remote->reload_wanted && !s->loading && s->attached)
		start_reload(s);
}

static void on_tick(struct supervisor *s)
{
	const struct scxlua_exit *exit = kernel_exit(s->kernel);
	uint64_t now = supervisor_now_ns();

	if (s->attached && __atomic_load_n(&exit->kind, __ATOMIC_ACQUIRE)) {
		s->stop = true;
		return;
	}
	s->nr_wakes = 0;
	watchdog_tick(s, now);
	start_again(s);
	start_wanted_reload(s);
	ask_stats(s, now);
	live_line(s, now);
	remote_tick(s->remote, now);
}

/* ---- events ---- */

static void reap(struct supervisor *s)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (run_command_reaped(&s->session->command, pid, status))
			s->stop = s->asked_to_stop = true;
		for (i = 0; i < CREW_SLOTS; i++)
			if (s->member[i].pid == pid)
				member_ended(s, &s->member[i], status);
	}
}

static void on_wake(struct supervisor *s)
{
	uint64_t count;

	s->nr_wakes++;
	if (read(s->wake_fd, &count, sizeof(count)) < 0)
		return;
	if (s->active && member_state(s->active) == WORKER_RETIRED)
		on_retired(s);
	if (s->loading && member_state(s->loading) == WORKER_READY)
		on_ready(s);
	remote_mail(s->remote, supervisor_now_ns());
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGHUP:
			s->remote->reload_wanted = true;
			break;
		case SIGCHLD:
			reap(s);
			break;
		default:
			if (!run_command_signal(&s->session->command, (int)info.ssi_signo,
						info.ssi_code == SI_KERNEL))
				s->stop = s->asked_to_stop = true;
		}
	}
	start_wanted_reload(s);
}

static void loop(struct supervisor *s)
{
	struct pollfd fd[] = {
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = s->wake_fd, .events = POLLIN },
		{ .fd = s->timer_fd, .events = POLLIN },
		{ .events = POLLIN },
		{ .events = POLLIN },
	};
	uint64_t ticks;
	int asked[2];

	while (!s->stop) {
		remote_fds(s->remote, asked);
		fd[1].fd = s->nr_wakes < WAKES_PER_TICK ? s->wake_fd : -1;
		fd[3].fd = asked[0];
		fd[4].fd = asked[1];
		if (poll(fd, sizeof(fd) / sizeof(fd[0]), -1) < 0 && errno != EINTR)
			break;
		if (fd[0].revents)
			on_signal(s);
		if (fd[1].revents && !s->stop)
			on_wake(s);
		if (fd[2].revents && !s->stop && read(s->timer_fd, &ticks, sizeof(ticks)) > 0)
			on_tick(s);
		if ((fd[3].revents || fd[4].revents) && !s->stop)
			remote_serve(s->remote, supervisor_now_ns());
	}
}

/* ---- beginning and end ---- */

static int open_events(struct supervisor *s)
{
	struct itimerspec every = { .it_interval.tv_nsec = TICK_MS * NSEC_PER_MSEC,
				    .it_value.tv_nsec = TICK_MS * NSEC_PER_MSEC };
	sigset_t mask = session_signals(s->session);

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* one that is ignored, as it may be inherited, reports no end */
	s->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->signal_fd < 0 || s->wake_fd < 0 || s->timer_fd < 0 ||
	    timerfd_settime(s->timer_fd, 0, &every, NULL))
		return -errno;
	return crew_init(s->member);
}

static struct kernel_args kernel_args(const struct options *opt)
{
	return (struct kernel_args){
		.config = {
			.hold_ns = opt->hold_ms * NSEC_PER_MSEC,
			.starve_ns = opt->starve_ms * NSEC_PER_MSEC,
			.late_ns = opt->late_ms * NSEC_PER_MSEC,
			.heartbeat_ns = opt->late_ms * NSEC_PER_MSEC * 2 / 5,
			.slice_ns = opt->slice_us * 1000ull,
			.max_slice_ns = opt->max_slice_us * 1000ull,
			.kthreads = opt->kthreads,
			.fault_drop = opt->fault_drop,
			.fault_ring_full = opt->fault_ring_full,
			.fault_wrong_cpu = opt->fault_wrong_cpu,
			.fault_no_drain = opt->fault_no_drain,
			.fault_no_age = opt->fault_no_age,
			.fault_no_starve = opt->fault_no_starve,
			.fault_no_stale = opt->fault_no_stale,
			.fault_no_bypass = opt->fault_no_bypass,
			.fault_unsafe = opt->fault_unsafe,
		},
		.timeout_ms = opt->timeout_ms,
		.exit_dump_len = opt->exit_dump_len,
		.partial = opt->partial,
		.verbose = opt->verbose,
	};
}

/* What the user should know of the wall around the policy, once. */
static void say_sandbox(const struct options *opt)
{
	static bool said;

	if (said)
		return;
	said = true;
	if (opt->no_sandbox)
		log_line("--no-sandbox: the policy runs as root and can do all that root may: read "
			 "and write files, start programs, use the network, stop this scheduler");
	else if (opt->verbose && !sandbox_has_landlock())
		log_line("this kernel has no Landlock: the policy's sandbox does without it");
}

/* Everything that can fail or takes long, before attach. */
static enum status set_up(struct supervisor *s)
{
	struct kernel_args args = kernel_args(s->opt);
	char error[STATUS_ERROR_LEN];
	enum status status;
	int err;

	status = kernel_preflight(error);
	if (status == STATUS_OK) {
		status = remote_open(s->remote);
		if (status != STATUS_OK)
			return status; /* it has said why */
		status = kernel_load(&s->kernel, &args, error);
	}
	if (status != STATUS_OK) {
		log_line("%s", error);
		return status;
	}
	say_sandbox(s->opt);
	session_recover(s->session);
	remote_attend(s->remote, s);
	kernel_op(s->kernel, SCXLUA_OP_OWN, SCXLUA_OWN_SUPERVISOR, 0, 0);
	s->table = table_new(s->opt->max_tasks, kernel_nr_cpus(s->kernel));
	err = s->table ? open_events(s) : -ENOMEM;
	if (!err)
		err = start_worker(s, s->script);
	if (!err && mlockall(MCL_CURRENT))
		err = -errno;
	if (err)
		log_line("cannot start: %s", strerror(-err));
	return err ? STATUS_FAILED : STATUS_OK;
}

static enum status why_it_ended(struct supervisor *s)
{
	const struct scxlua_exit *exit = kernel_exit(s->kernel);

	if (!s->attached)
		return s->status;
	if (exit->code & ECODE_RESTART && !s->asked_to_stop)
		return STATUS_RESTART;
	return exit->kind >= 1024 ? STATUS_EJECTED : STATUS_OK;
}

/* Waits up to `ms` for the member to end. */
static void wait_for_end(struct member *m, unsigned int ms)
{
	for (; m->pid && ms; ms--) {
		if (waitpid(m->pid, NULL, WNOHANG) == m->pid)
			member_gone(m);
		else
			usleep(1000);
	}
}

/*
 * The worker goes before the scheduler does: once in the fair class its yielding would be a
 * busy loop. Until the detach the built-in policy schedules.
 */
static void stop_active(struct supervisor *s)
{
	struct member *m = s->active;

	if (!m)
		return;
	s->active = NULL;
	member_retire(m);
	wait_for_end(m, RETIRE_MS / 2);
	member_kill(m);
	wait_for_end(m, RETIRE_MS);
	keep_figures(s, m);
	kernel_control(s->kernel)->bypass = 1;
	kernel_op(s->kernel, SCXLUA_OP_ACTIVE, -1, 0, 0);
}

static enum status finish(struct supervisor *s)
{
	enum status status;

	stop_active(s);
	session_release(s->session); /* before another scxlua can attach, and hold it */
	if (s->attached)
		kernel_detach(s->kernel);
	status = why_it_ended(s);
	if (s->dying)
		wait_for_end(s->dying, RETIRE_MS);
	if (s->dying)
		keep_figures(s, s->dying);
	crew_fini(s->member);
	return status;
}

static void tear_down(struct supervisor *s)
{
	if (s->signal_fd > 0)
		close(s->signal_fd);
	if (s->wake_fd > 0)
		close(s->wake_fd);
	if (s->timer_fd > 0)
		close(s->timer_fd);
	table_free(s->table);
	kernel_free(s->kernel);
	drop_script(s, &s->next);
	drop_script(s, &s->fallback);
}

enum status supervise(struct session *x)
{
	struct supervisor s = { .session = x,
				.opt = x->opt,
				.library = x->library,
				.remote = &x->remote,
				.script = x->script,
				.report = x->total };
	enum status status = set_up(&s);

	x->has_scheduled = false;
	s.status = status;
	if (status == STATUS_OK) {
		loop(&s);
		status = finish(&s);
	}
	if (s.attached) {
		supervisor_report(&s, &x->total);
		session_detached(x, kernel_exit(s.kernel), kernel_exit_dump(s.kernel), status);
	}
	remote_attend(&x->remote, NULL);
	tear_down(&s);
	x->script = s.script;
	return status;
}
