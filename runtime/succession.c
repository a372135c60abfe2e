// SPDX-License-Identifier: GPL-2.0-only
/*
 * succession.c - which worker decides, and which comes next: start, hand-over, reload, loss.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "script_path.h"
#include "supervisor_state.h"

/* ---- figures ---- */

void add_engine(struct engine_stats *to, const struct engine_stats *from)
{
#define ADD(name, help) to->name += from->name;
	ENGINE_COUNTERS(ADD)
#undef ADD
	hist_merge(&to->batch_size, &from->batch_size);
	hist_merge(&to->decide_ns, &from->decide_ns);
}

/* A policy can write there: the keys are cut, and shown as what can be shown. */
void keep_policy_stats(struct supervisor *s, struct member *m)
{
	const struct worker_shm *shm = m->shm;
	struct policy_stats *to = &s->report.stats;
	uint32_t i;
	char *c;

	*to = shm->policy_stats;
	if (to->nr > POLICY_STATS_MAX)
		to->nr = POLICY_STATS_MAX;
	for (i = 0; i < to->nr; i++) {
		to->stat[i].key[POLICY_STAT_KEY_LEN - 1] = '\0';
		for (c = to->stat[i].key; *c; c++)
			if (!isprint((unsigned char)*c))
				*c = '?';
	}
}

/* The figures of a worker go into the totals once, when it is gone. */
void keep_figures(struct supervisor *s, struct member *m)
{
	add_engine(&s->report.engine, &m->shm->stats);
	s->report.page_faults += m->shm->page_faults;
	s->report.lua_bytes = m->shm->lua_bytes;
	if (member_state(m) == WORKER_RETIRED)
		keep_policy_stats(s, m);
}

/* ---- scripts ---- */

void drop_script(struct supervisor *s, struct script **script)
{
	struct script *old = *script;

	*script = NULL;
	if (old && old != s->script && old != s->fallback && old != s->next)
		script_free(old);
}

/* The script on trial has proved itself, or is given up. */
void end_trial(struct supervisor *s)
{
	drop_script(s, &s->fallback);
}

int read_policy(const struct options *opt, const char *path, struct script **script, char *error)
{
	struct script_trust trust = script_trust();

	/* Without root it will not get far; then that is what has to be said. */
	return script_read_trusted(script, path,
				   opt->allow_unsafe_path || geteuid() ? NULL : &trust, error);
}

/* ---- starting workers ---- */

int start_worker(struct supervisor *s, const struct script *script)
{
	struct worker_args args = {
		.kernel = s->kernel,
		.table = s->table,
		.script = script,
		.library = s->library,
		.options = s->opt->policy_option,
		.nr_options = s->opt->nr_policy_options,
		.engine = {
			.slice_ns = s->opt->slice_us * 1000ull,
			.max_slice_ns = s->opt->max_slice_us * 1000ull,
			.min_slice_ns = ENGINE_MIN_SLICE_NS,
			.no_validate = s->opt->fault_no_validate,
		},
		.arena_bytes = (size_t)s->opt->lua_mem_mib << 20,
		.load_ns = POLICY_LOAD_LIMIT_MS * NSEC_PER_MSEC,
		.is_trusted = s->opt->no_sandbox,
		.wake_fd = s->wake_fd,
		.supervisor = getpid(),
	};
	struct member *m = s->member[0].pid ? &s->member[1] : &s->member[0];
	int err = m->pid ? -EBUSY : member_start(m, args, supervisor_now_ns());

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

	kernel_mend(s->kernel, supervisor_now_ns());
	s->loading = NULL;
	s->active = m;
	s->activated_ns = supervisor_now_ns();
	s->error_ticks = 0;
	s->errors_seen = 0;
	s->calls_seen = m->shm->progress.batch;
	s->bad_seen = s->decisions_seen = 0;
	s->error_said = false;
	s->restart = false;
	control->builtin_idle = wants != 0;
	control->generation++;
	snprintf(s->report.policy, POLICY_NAME_LEN, "%.*s", POLICY_NAME_LEN - 1, m->shm->name);
	kernel_set_script(s->kernel, s->report.policy, s->script->hash, "");
	kernel_op(s->kernel, SCXLUA_OP_ACTIVE, m->slot, 0, 0);
	control->bypass = 0;
	member_go(m, adopt);
	remote_activated(s->remote);
}

static void report_reload(struct supervisor *s)
{
	uint64_t pause_ns = s->retire_ns ? supervisor_now_ns() - s->retire_ns : 0;

	s->report.reloads++;
	if (s->retire_ns) /* else nobody decided before either */
		hist_add(&s->report.reload_pause_ns, pause_ns);
	log_line("%s: reloaded (generation %u, hash %016llx); decisions paused for %llu us",
		 s->script->path, kernel_control(s->kernel)->generation,
		 (unsigned long long)s->script->hash, (unsigned long long)pause_ns / 1000);
	remote_reload_ends(s->remote, s->script->path, pause_ns, NULL);
}

/*
 * The script that was loading becomes the one on trial. What a rollback goes back to is the last
 * that proved itself: not one that is on trial itself.
 */
static void promote_next(struct supervisor *s)
{
	struct script *old = s->script;

	s->script = s->next;
	s->next = NULL;
	if (s->fallback)
		script_free(old);
	else
		s->fallback = old;
}

/* The loading worker is ready and the old one, if any, has stopped: hand over. */
static void take_over(struct supervisor *s, bool adopt)
{
	bool is_reload = s->next != NULL;

	if (is_reload)
		promote_next(s);
	activate(s, adopt);
	if (is_reload)
		report_reload(s);
	s->retire_ns = 0;
}

static void say_attached(const struct supervisor *s)
{
	if (!s->opt->command_argv)
		log_line("%s schedules this machine (%s); Ctrl-C ends it, SIGHUP reloads it",
			 s->report.policy, s->script->path);
	else if (!session_is_quiet(s->session))
		log_line("%s schedules %s (%s)", s->report.policy, s->opt->command_argv[0],
			 s->script->path);
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
	/* CPUs have come or gone since the load: the kernel took it and has ended it at once. */
	if (__atomic_load_n(&kernel_exit(s->kernel)->kind, __ATOMIC_ACQUIRE)) {
		s->stop = true;
		return;
	}
	session_hold(s->session);
	take_over(s, false);
	s->session->has_scheduled = true;
	remote_attached(s->remote);
	run_command_go(&s->session->command);
	say_attached(s);
}

void on_ready(struct supervisor *s)
{
	if (!s->attached) {
		attach(s);
	} else if (s->active) {
		if (!s->active->awaited) {
			s->retire_ns = supervisor_now_ns();
			member_retire(s->active);
		}
	} else if (!s->dying) {
		take_over(s, false);
	}
}

/* ---- reload ---- */

static void reload_failed(struct supervisor *s, const char *path, const char *why)
{
	char text[CREW_MESSAGE_LEN];

	s->report.reload_failures++;
	log_line("reload failed, %s: %s",
		 s->active ? "the running policy goes on" : "no policy is running", why);
	snprintf(text, sizeof(text), "reload failed: %s", why);
	kernel_set_script(s->kernel, s->report.policy, s->script->hash, text);
	remote_reload_ends(s->remote, path, 0, why);
	drop_script(s, &s->next);
}

void start_reload(struct supervisor *s)
{
	char path[CONTROL_PATH_LEN], error[POLICY_ERROR_LEN];
	int err;

	if (s->member[0].pid && s->member[1].pid)
		return; /* one is on its way out: at the next tick */
	snprintf(path, sizeof(path), "%s",
		 s->remote->reload_path[0] ? s->remote->reload_path : s->script->path);
	remote_reload_begins(s->remote);
	if (read_policy(s->opt, path, &s->next, error)) {
		s->next = NULL;
		reload_failed(s, path, error);
		return;
	}
	s->nr_failures = 0;
	err = start_worker(s, s->next);
	if (err)
		reload_failed(s, path, strerror(-err));
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
	uint64_t now = supervisor_now_ns();

	if (s->fallback && now - s->activated_ns < GRACE_S * NSEC_PER_SEC) {
		s->report.rollbacks++;
		script_free(s->script);
		s->script = s->fallback;
		s->fallback = NULL;
		log_line("%s; back to the last script that proved itself", why);
		remote_rolled_back(s->remote, why);
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
void active_lost(struct supervisor *s, const char *why)
{
	kernel_control(s->kernel)->bypass = 1;
	kernel_op(s->kernel, SCXLUA_OP_ACTIVE, -1, 0, 0);
	member_kill(s->active);
	s->dying = s->active;
	s->active = NULL;
	kernel_set_script(s->kernel, s->report.policy, s->script->hash, why);
	snprintf(s->remote->error, sizeof(s->remote->error), "%s", why);
	s->restart = choose_restart(s, why); /* unless what is loading now succeeds */
}

void start_again(struct supervisor *s)
{
	int err;

	if (!s->restart || s->dying || s->loading || supervisor_now_ns() < s->retry_ns)
		return;
	err = start_worker(s, s->script);
	if (err && err != -EBUSY) {
		log_line("cannot start a worker, trying again: %s", strerror(-err));
		s->retry_ns = supervisor_now_ns() + NSEC_PER_SEC;
	}
	if (err)
		return;
	s->restart = false;
	s->report.worker_restarts++;
}

/* The lost worker is gone: its leavings too, and the next may start. */
static void clean_up(struct supervisor *s)
{
	keep_figures(s, s->dying);
	s->dying = NULL;
	kernel_reset_rings(s->kernel);
	table_reset(s->table);
	kernel_control(s->kernel)->table_epoch++;
	if (s->loading && member_state(s->loading) == WORKER_READY) {
		take_over(s, false);
	} else {
		start_again(s);
	}
}

void loading_failed(struct supervisor *s, const char *why)
{
	member_kill(s->loading);
	s->loading = NULL;
	if (s->next) {
		reload_failed(s, s->next->path, why);
	} else if (!s->attached) {
		log_line("%s", why);
		s->status = STATUS_USAGE;
		s->stop = true;
	} else {
		s->restart = choose_restart(s, why);
	}
}

void on_retired(struct supervisor *s)
{
	struct member *old = s->active;
	uint32_t len;

	if (s->loading && member_state(s->loading) == WORKER_READY) {
		keep_figures(s, old);
		/* The policy can write to the length, even now. */
		len = __atomic_load_n(&old->shm->state_len, __ATOMIC_RELAXED);
		if (len > WORKER_STATE_MAX)
			len = 0;
		memcpy(s->loading->shm->state_text, old->shm->state_text, len);
		s->loading->shm->state_len = len;
		if (old->shm->nr_dead) /* not taken: look for them again */
			s->sweeping = true;
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

void member_ended(struct supervisor *s, struct member *m, int wait_status)
{
	char why[CREW_MESSAGE_LEN], breach[CREW_MESSAGE_LEN];
	enum worker_state state = member_state(m);
	bool breached;

	member_gone(m);
	breached = member_breached(m, wait_status, breach);
	s->report.sandbox_kills += breached;
	if (m == s->dying) {
		clean_up(s);
	} else if (m == s->active && state == WORKER_RETIRED) {
		on_retired(s);
		if (s->dying == m) /* lost after all, and waited for already */
			clean_up(s);
	} else if (m == s->active) {
		s->report.worker_crashes++;
		snprintf(why, sizeof(why), "%s%s%s", how_it_ended(wait_status),
			 m->shm->progress.in_hook ? " in " : "",
			 m->shm->progress.in_hook ?
				 engine_hook_name[m->shm->progress.in_hook % NR_HOOKS] :
				 "");
		active_lost(s, breached ? breach : why);
		clean_up(s);
	} else if (m == s->loading) {
		snprintf(why, sizeof(why), "%.*s", POLICY_ERROR_LEN - 1,
			 state == WORKER_FAILED ? m->shm->error : how_it_ended(wait_status));
		loading_failed(s, breached ? breach : why);
	}
}
