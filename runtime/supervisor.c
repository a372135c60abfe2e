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

#include "crew.h"
#include "kernel.h"
#include "log.h"
#include "report.h"
#include "table.h"

#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC 1000000000ull

/* The bit of exit_code by which the kernel asks to be attached anew (SCX_ECODE_ACT_RESTART). */
#define ECODE_RESTART (1ull << 48)

enum {
	TICK_MS = 20,
	RETIRE_MS = 1000,    /* an idle worker looks up at its heartbeat only */
	GRACE_S = 10,	     /* a new script is on trial for this long */
	MAX_FAILURES = 3,    /* ... within FAILURE_WINDOW_S: give up until the next reload */
	FAILURE_WINDOW_S = 30,
	ERROR_WINDOW_TICKS = 50, /* a script that fails in half of its calls for that long is lost */
	MIN_ERRORS = 10,
	SWEEP_SLOTS = 256,
	LOAD_LIMIT_S = 20,
	MIN_SLICE_NS = 50000,
};

struct supervisor {
	const struct options *opt;
	struct kernel *kernel;
	struct table *table;
	struct member member[CREW_SLOTS];
	struct member *active;	/* decides, or has been told to go */
	struct member *loading; /* becomes active when it is ready */
	struct member *dying;	/* was active and is lost; until it is waited for nobody is active */
	struct script *script;	/* of the active worker, or of the last one */
	struct script *fallback; /* the one before, while `script` is on trial */
	struct script *next;	/* of the loading worker, if that is a reload */
	int signal_fd, wake_fd, timer_fd;

	bool attached, reload_wanted, stop;
	bool error_said;
	bool restart; /* start `script` again when `dying` is gone */
	enum status status; /* why it stopped */
	uint64_t activated_ns, retire_ns;
	uint64_t failure_ns[MAX_FAILURES];
	uint32_t nr_failures;
	uint32_t lost_exits, sweep_pos;
	bool sweeping;
	uint64_t errors_seen, calls_seen; /* at the begin of the window */
	uint32_t error_ticks;
	sigset_t old_mask;

	struct report report; /* counters of workers that are gone, and our own */
	struct report shown;  /* at the last live line */
	uint64_t shown_ns;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* ---- figures ---- */

static void add_engine(struct engine_stats *to, const struct engine_stats *from)
{
#define ADD(name, help) to->name += from->name;
	ENGINE_COUNTERS(ADD)
#undef ADD
	hist_merge(&to->batch_size, &from->batch_size);
	hist_merge(&to->decide_ns, &from->decide_ns);
}

/* The figures of a worker go into the totals once, when it is gone. */
static void keep_figures(struct supervisor *s, const struct member *m)
{
	add_engine(&s->report.engine, &m->shm->stats);
	s->report.page_faults += m->shm->page_faults;
	s->report.lua_bytes = m->shm->lua_bytes;
}

static void snapshot(struct supervisor *s, struct report *r)
{
	const struct scxlua_control *control = kernel_control(s->kernel);

	*r = s->report;
	r->generation = control->generation;
	r->bypass = !s->active;
	r->applied_slice_ns = control->applied_slice_ns;
	r->hash = s->script ? s->script->hash : 0;
	r->log_dropped = log_dropped();
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

static void live_line(struct supervisor *s, uint64_t now)
{
	struct report r;

	if (!s->opt->stats_s || !s->attached || now - s->shown_ns < s->opt->stats_s * NSEC_PER_SEC)
		return;
	snapshot(s, &r);
	if (s->shown_ns)
		report_line(stdout, &r, &s->shown, (double)(now - s->shown_ns) / NSEC_PER_SEC);
	s->shown = r;
	s->shown_ns = now;
}

/* ---- scripts ---- */

static void drop_script(struct supervisor *s, struct script **script)
{
	struct script *old = *script;

	*script = NULL;
	if (old && old != s->script && old != s->fallback && old != s->next)
		script_free(old);
}

/* The script on trial has proved itself, or is given up. */
static void end_trial(struct supervisor *s)
{
	drop_script(s, &s->fallback);
}

/* ---- starting workers ---- */

static int start_worker(struct supervisor *s, const struct script *script)
{
	struct worker_args args = {
		.kernel = s->kernel,
		.table = s->table,
		.script = script,
		.options = s->opt->policy_option,
		.nr_options = s->opt->nr_policy_options,
		.engine = {
			.slice_ns = s->opt->slice_us * 1000ull,
			.max_slice_ns = s->opt->max_slice_us * 1000ull,
			.min_slice_ns = MIN_SLICE_NS,
		},
		.arena_bytes = (size_t)s->opt->lua_mem_mib << 20,
		.load_ns = 2 * NSEC_PER_SEC,
		.wake_fd = s->wake_fd,
	};
	struct member *m = s->member[0].pid ? &s->member[1] : &s->member[0];
	int err = m->pid ? -EBUSY : member_start(m, args);

	if (!err)
		s->loading = m;
	return err;
}

/* ---- switching ---- */

static void activate(struct supervisor *s, bool adopt)
{
	struct scxlua_control *control = kernel_control(s->kernel);
	struct member *m = s->loading;
	int wants = m->shm->builtin_idle;

	s->loading = NULL;
	s->active = m;
	s->activated_ns = now_ns();
	s->error_ticks = 0;
	s->errors_seen = s->calls_seen = 0;
	s->error_said = false;
	control->builtin_idle = wants != 0;
	control->generation++;
	snprintf(s->report.policy, POLICY_NAME_LEN, "%s", m->shm->name);
	kernel_set_script(s->kernel, m->shm->name, s->script->hash, "");
	kernel_op(s->kernel, SCXLUA_OP_ACTIVE, m->slot, 0, 0);
	control->bypass = 0;
	member_go(m, adopt);
}

static void report_reload(struct supervisor *s)
{
	s->report.reloads++;
	log_line("%s: reloaded (generation %u, hash %016llx); decisions paused for %llu us",
		 s->script->path, kernel_control(s->kernel)->generation,
		 (unsigned long long)s->script->hash,
		 (unsigned long long)(s->retire_ns ? now_ns() - s->retire_ns : 0) / 1000);
}

/* The loading worker is ready and the old one, if any, has stopped: hand over. */
static void take_over(struct supervisor *s, bool adopt)
{
	bool is_reload = s->next != NULL;

	if (is_reload) {
		end_trial(s);
		s->fallback = s->script;
		s->script = s->next;
		s->next = NULL;
	}
	activate(s, adopt);
	if (is_reload)
		report_reload(s);
	s->retire_ns = 0;
}

static void attach(struct supervisor *s)
{
	char error[STATUS_ERROR_LEN];

	s->status = kernel_attach(s->kernel, error);
	if (s->status != STATUS_OK) {
		log_line("%s", error);
		s->stop = true;
		return;
	}
	s->attached = true;
	take_over(s, false);
	log_line("%s schedules this machine (%s); Ctrl-C ends it, SIGHUP reloads it",
		 s->report.policy, s->script->path);
}

static void on_ready(struct supervisor *s)
{
	if (!s->attached) {
		attach(s);
	} else if (s->active) {
		if (!s->active->awaited) {
			s->retire_ns = now_ns();
			member_retire(s->active);
		}
	} else if (!s->dying) {
		take_over(s, false);
	}
}

/* ---- reload ---- */

static void reload_failed(struct supervisor *s, const char *why)
{
	s->report.reload_failures++;
	log_line("reload failed, the running policy goes on: %s", why);
	drop_script(s, &s->next);
}

static void start_reload(struct supervisor *s)
{
	char error[POLICY_ERROR_LEN];
	int err;

	s->reload_wanted = false;
	if (script_read(&s->next, s->opt->policy, error)) {
		s->next = NULL;
		reload_failed(s, error);
		return;
	}
	s->nr_failures = 0;
	err = start_worker(s, s->next);
	if (err)
		reload_failed(s, strerror(-err));
}

/* ---- failures ---- */

/* Is this one too many? Remembers the last MAX_FAILURES. */
static bool too_many_failures(struct supervisor *s, uint64_t now)
{
	s->failure_ns[s->nr_failures++ % MAX_FAILURES] = now;
	return s->nr_failures >= MAX_FAILURES &&
	       now - s->failure_ns[s->nr_failures % MAX_FAILURES] < FAILURE_WINDOW_S * NSEC_PER_SEC;
}

/* Which script to start again after the active one was lost; false: none. */
static bool choose_restart(struct supervisor *s, const char *why)
{
	uint64_t now = now_ns();

	if (s->fallback && now - s->activated_ns < GRACE_S * NSEC_PER_SEC) {
		s->report.rollbacks++;
		script_free(s->script);
		s->script = s->fallback;
		s->fallback = NULL;
		log_line("%s; back to the script before the reload", why);
		return true;
	}
	if (too_many_failures(s, now)) {
		log_line("%s; %d workers lost within %d s: the built-in policy schedules until the "
			 "next reload",
			 why, MAX_FAILURES, FAILURE_WINDOW_S);
		return false;
	}
	log_line("%s; the built-in policy schedules until it is started again", why);
	return true;
}

/*
 * The active worker is lost. The built-in policy schedules from this moment; what the worker
 * wrote is cleaned when it can write no more, see clean_up().
 */
static void active_lost(struct supervisor *s, const char *why)
{
	kernel_control(s->kernel)->bypass = 1;
	kernel_op(s->kernel, SCXLUA_OP_ACTIVE, -1, 0, 0);
	member_kill(s->active);
	s->dying = s->active;
	s->active = NULL;
	kernel_set_script(s->kernel, s->report.policy, s->script->hash, why);
	if (s->loading)
		log_line("%s; its successor is already loading", why);
	else
		s->restart = choose_restart(s, why);
}

static void start_again(struct supervisor *s)
{
	int err;

	if (!s->restart || s->dying || s->loading)
		return;
	s->restart = false;
	s->report.worker_restarts++;
	err = start_worker(s, s->script);
	if (err)
		log_line("cannot start a worker: %s", strerror(-err));
}

/* The lost worker is gone: its leavings too, and the next may start. */
static void clean_up(struct supervisor *s)
{
	keep_figures(s, s->dying);
	s->dying = NULL;
	kernel_reset_rings(s->kernel);
	table_reset(s->table);
	if (s->loading && member_state(s->loading) == WORKER_READY) {
		take_over(s, false);
	} else {
		start_again(s);
	}
}

static void loading_failed(struct supervisor *s, const char *why)
{
	member_kill(s->loading);
	s->loading = NULL;
	if (s->next) {
		reload_failed(s, why);
	} else if (!s->attached) {
		log_line("%s", why);
		s->status = STATUS_USAGE;
		s->stop = true;
	} else {
		s->restart = choose_restart(s, why);
	}
}

static void on_retired(struct supervisor *s)
{
	struct member *old = s->active;

	if (s->loading && member_state(s->loading) == WORKER_READY) {
		keep_figures(s, old);
		s->active = NULL;
		take_over(s, true);
		member_kill(old);
	} else {
		active_lost(s, "the worker that was to take over is gone");
	}
}

static const char *how_it_ended(int wait_status)
{
	static char text[64];

	if (WIFSIGNALED(wait_status))
		snprintf(text, sizeof(text), "the worker was killed by signal %d (%s)",
			 WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
	else
		snprintf(text, sizeof(text), "the worker ended by itself, status %d",
			 WEXITSTATUS(wait_status));
	return text;
}

static void member_ended(struct supervisor *s, struct member *m, int wait_status)
{
	char why[CREW_MESSAGE_LEN];
	enum worker_state state = member_state(m);

	member_gone(m);
	if (m == s->dying) {
		clean_up(s);
	} else if (m == s->active && state == WORKER_RETIRED) {
		on_retired(s);
	} else if (m == s->active) {
		s->report.worker_crashes++;
		snprintf(why, sizeof(why), "%s%s%s", how_it_ended(wait_status),
			 m->shm->progress.in_hook ? " in " : "",
			 m->shm->progress.in_hook ?
				 engine_hook_name[m->shm->progress.in_hook % NR_HOOKS] : "");
		active_lost(s, why);
		clean_up(s);
	} else if (m == s->loading) {
		snprintf(why, sizeof(why), "%s",
			 state == WORKER_FAILED ? m->shm->error : how_it_ended(wait_status));
		loading_failed(s, why);
	}
}

static void reap(struct supervisor *s)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < CREW_SLOTS; i++)
			if (s->member[i].pid == pid)
				member_ended(s, &s->member[i], status);
}

/* ---- the watchdog ---- */

/* A script that raises an error in call after call is as good as none. */
static void watch_errors(struct supervisor *s)
{
	const struct worker_shm *shm = s->active->shm;
	uint64_t errors = shm->stats.policy_errors - s->errors_seen;
	uint64_t calls = shm->progress.batch - s->calls_seen;
	char why[CREW_MESSAGE_LEN];

	if (errors && !s->error_said) {
		s->error_said = true;
		log_line("%.*s (further errors are counted, not logged)", POLICY_ERROR_LEN - 1,
			 shm->error);
	}
	if (++s->error_ticks < ERROR_WINDOW_TICKS)
		return;
	s->error_ticks = 0;
	s->errors_seen += errors;
	s->calls_seen += calls;
	if (errors < MIN_ERRORS || errors * 2 < calls)
		return;
	snprintf(why, sizeof(why), "the policy fails all the time: %.*s", POLICY_ERROR_LEN - 1,
		 shm->error);
	active_lost(s, why);
}

static void watch_workers(struct supervisor *s, uint64_t now)
{
	struct crew_limits limits = {
		.budget_ns = s->opt->budget_ms * NSEC_PER_MSEC,
		.wall_ns = 10 * NSEC_PER_SEC,
		.load_ns = LOAD_LIMIT_S * NSEC_PER_SEC,
	};
	char why[CREW_MESSAGE_LEN];

	if (s->loading && member_overrun(s->loading, &limits, now, why))
		loading_failed(s, why);
	if (s->active && member_overrun(s->active, &limits, now, why)) {
		s->report.worker_overruns++;
		active_lost(s, why);
	}
	if (s->active)
		watch_errors(s);
	if (s->fallback && now - s->activated_ns > GRACE_S * NSEC_PER_SEC)
		end_trial(s);
}

/* A worker that was told to retire and is stopped, or stuck, must not hold up a reload. */
static void watch_retiring(struct supervisor *s, uint64_t now)
{
	if (!s->active || !s->active->awaited || now - s->retire_ns < RETIRE_MS * NSEC_PER_MSEC)
		return;
	active_lost(s, "the old worker did not stop");
}

/*
 * Exit records that found the ring full: go through the table, a part at a time, ask BPF which
 * threads are still there, and tell the worker of the others.
 */
static void sweep_lost_exits(struct supervisor *s)
{
	uint32_t lost = kernel_control(s->kernel)->lost_exits, n = 0, i;
	struct worker_shm *shm;

	if (!s->active)
		return;
	shm = s->active->shm;
	if (lost != s->lost_exits && !s->sweeping) {
		s->lost_exits = lost;
		s->sweeping = true;
		s->sweep_pos = 0;
	}
	if (!s->sweeping || __atomic_load_n(&shm->nr_dead, __ATOMIC_ACQUIRE))
		return;
	for (i = 0; i < SWEEP_SLOTS; i++) {
		const struct scx_task *task = table_next(s->table, &s->sweep_pos);
		uint64_t cookie = task ? task->cookie_ : 0;

		if (!task) {
			s->sweeping = false;
			break;
		}
		if (cookie && !kernel_op(s->kernel, SCXLUA_OP_ALIVE, 0, task->pid, cookie))
			shm->dead[n++] = cookie;
	}
	__atomic_store_n(&shm->nr_dead, n, __ATOMIC_RELEASE);
}

static void on_tick(struct supervisor *s)
{
	const struct scxlua_exit *exit = kernel_exit(s->kernel);
	uint64_t now = now_ns();

	if (s->attached && __atomic_load_n(&exit->kind, __ATOMIC_ACQUIRE)) {
		s->stop = true;
		return;
	}
	watch_workers(s, now);
	watch_retiring(s, now);
	start_again(s);
	if (s->reload_wanted && !s->loading && s->attached)
		start_reload(s);
	sweep_lost_exits(s);
	live_line(s, now);
}

/* ---- events ---- */

static void on_wake(struct supervisor *s)
{
	uint64_t count;

	if (read(s->wake_fd, &count, sizeof(count)) < 0)
		return;
	if (s->active && member_state(s->active) == WORKER_RETIRED)
		on_retired(s);
	if (s->loading && member_state(s->loading) == WORKER_READY)
		on_ready(s);
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGHUP:
			s->reload_wanted = true;
			break;
		case SIGCHLD:
			reap(s);
			break;
		default:
			s->stop = true;
		}
	}
	if (s->reload_wanted && !s->loading && s->attached)
		start_reload(s);
}

static void loop(struct supervisor *s)
{
	struct pollfd fd[] = {
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = s->wake_fd, .events = POLLIN },
		{ .fd = s->timer_fd, .events = POLLIN },
	};
	uint64_t ticks;

	while (!s->stop) {
		if (poll(fd, sizeof(fd) / sizeof(fd[0]), -1) < 0 && errno != EINTR)
			break;
		if (fd[0].revents)
			on_signal(s);
		if (fd[1].revents)
			on_wake(s);
		if (fd[2].revents && read(s->timer_fd, &ticks, sizeof(ticks)) > 0)
			on_tick(s);
	}
}

/* ---- beginning and end ---- */

static int open_events(struct supervisor *s)
{
	struct itimerspec every = { .it_interval.tv_nsec = TICK_MS * NSEC_PER_MSEC,
				    .it_value.tv_nsec = TICK_MS * NSEC_PER_MSEC };
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &s->old_mask);
	signal(SIGPIPE, SIG_IGN);
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
		},
		.timeout_ms = opt->timeout_ms,
		.exit_dump_len = opt->exit_dump_len,
		.partial = opt->partial,
		.verbose = opt->verbose,
	};
}

/* Everything that can fail or takes long, before attach. */
static enum status set_up(struct supervisor *s)
{
	struct kernel_args args = kernel_args(s->opt);
	char error[STATUS_ERROR_LEN];
	enum status status;
	int err;

	status = kernel_preflight(error);
	if (status == STATUS_OK)
		status = kernel_load(&s->kernel, &args, error);
	if (status != STATUS_OK) {
		log_line("%s", error);
		return status;
	}
	kernel_op(s->kernel, SCXLUA_OP_OWN, SCXLUA_OWN_SUPERVISOR, 0, 0);
	s->table = table_new(s->opt->max_tasks);
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
	if (exit->code & ECODE_RESTART)
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
	if (s->attached)
		kernel_detach(s->kernel);
	status = why_it_ended(s);
	crew_fini(s->member);
	if (s->attached && status != STATUS_RESTART)
		report_exit(stderr, kernel_exit(s->kernel), kernel_exit_dump(s->kernel));
	return status;
}

static void write_json(struct supervisor *s, enum status status)
{
	struct report r;
	int err;

	if (!s->opt->json || !s->attached)
		return;
	snapshot(s, &r);
	err = report_json(s->opt->json, &r, kernel_exit(s->kernel), status);
	if (err)
		log_line("cannot write %s: %s", s->opt->json, strerror(-err));
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
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
}

/* From load to detach, once. Counters so far come in and go out through *total. */
static enum status run_once(const struct options *opt, struct script **script, struct report *total)
{
	struct supervisor s = { .opt = opt, .script = *script, .report = *total };
	enum status status;

	sigprocmask(SIG_BLOCK, NULL, &s.old_mask);
	status = set_up(&s);
	s.status = status;
	if (status == STATUS_OK) {
		loop(&s);
		status = finish(&s);
		if (status != STATUS_RESTART)
			write_json(&s, status);
		snapshot(&s, total);
	}
	tear_down(&s);
	*script = s.script;
	return status;
}

enum status supervisor_run(const struct options *opt)
{
	char error[POLICY_ERROR_LEN];
	static struct report total; /* too large for the stack */
	struct script *script;
	enum status status;

	if (script_read(&script, opt->policy, error)) {
		log_line("%s", error);
		return STATUS_USAGE;
	}
	while ((status = run_once(opt, &script, &total)) == STATUS_RESTART) {
		total.kernel_restarts++;
		log_line("the kernel asks to be attached anew (CPU hotplug)");
	}
	script_free(script);
	return status;
}
