// SPDX-License-Identifier: GPL-2.0-only
/* remote.c - see remote.h. */
#define _GNU_SOURCE
#include "remote.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_text.h"
#include "log.h"
#include "supervisor_state.h"

enum { SET_LIMIT_S = 5 };

/* ---- status ---- */

static json_t *hash_text(uint64_t hash)
{
	return json_sprintf("%016llx", (unsigned long long)hash);
}

static json_t *reload_object(const struct remote *r, uint64_t now)
{
	const struct reload_outcome *last = &r->last;
	json_t *o = json_pack("{s:s,s:o,s:I}", "outcome", last->outcome, "path",
			      json_text(last->path), "ago_ms",
			      (json_int_t)((now - last->ended_ns) / NSEC_PER_MSEC));

	if (!o)
		return NULL;
	if (last->error[0]) {
		json_object_set_new(o, "error", json_text(last->error));
		return o;
	}
	json_object_set_new(o, "hash", hash_text(last->hash));
	json_object_set_new(o, "generation", json_integer((json_int_t)last->generation));
	json_object_set_new(o, "load_ms",
			    json_integer((json_int_t)(last->load_ns / NSEC_PER_MSEC)));
	json_object_set_new(o, "pause_us", json_integer((json_int_t)(last->pause_ns / 1000)));
	return o;
}

static json_t *settings_object(const struct remote *r)
{
	json_t *o = json_object();

	for (uint32_t i = 0; o && i < r->nr_settings; i++)
		json_object_set_new(o, r->setting[i].key, json_text(r->setting[i].value));
	return o;
}

static const char *state_name(const struct supervisor *s)
{
	return !s->attached ? "starting" : s->active ? "active" : "bypass";
}

/* Why it is as it is, "" if all is well. */
static const char *last_error(const struct remote *r)
{
	static char error[POLICY_ERROR_LEN];
	const struct member *m = r->s->active;

	if (!m || !m->shm->stats.policy_errors)
		return r->error;
	snprintf(error, sizeof(error), "%.*s", POLICY_ERROR_LEN - 1, m->shm->error);
	return error;
}

static json_t *op_status(void *arg)
{
	const struct remote *r = arg;
	struct supervisor *s = r->s;
	uint64_t now = supervisor_now_ns();
	json_t *o = json_pack("{s:s,s:i,s:s,s:I,s:o,s:o,s:o,s:I,s:b,s:b,s:o,s:o}", "state",
			      state_name(s), "pid", (int)getpid(), "version", SCXLUA_VERSION,
			      "uptime_ms", (json_int_t)((now - r->started_ns) / NSEC_PER_MSEC),
			      "policy", json_text(s->report.policy), "path",
			      json_text(s->script->path), "hash", hash_text(s->script->hash),
			      "generation", (json_int_t)kernel_control(s->kernel)->generation,
			      "trial", s->fallback != NULL, "reloading",
			      s->next || r->reload_wanted, "error", json_text(last_error(r)),
			      "settings", settings_object(r));

	if (o && r->last.outcome)
		json_object_set_new(o, "reload", reload_object(r, now));
	return o;
}

static json_t *op_stats(void *arg)
{
	static struct report report; /* too large for the stack */

	supervisor_report(((struct remote *)arg)->s, &report);
	return report_object(&report);
}

static void get_stats(struct report *report, void *arg)
{
	supervisor_report(((struct remote *)arg)->s, report);
}

/* ---- the live line ---- */

static void op_line(uint32_t peer, char *line, void *arg)
{
	struct remote *r = arg;
	struct report *now = malloc(sizeof(*now)), *before = r->shown[peer];
	uint64_t now_ns = supervisor_now_ns();

	if (!now)
		return;
	supervisor_report(r->s, now);
	if (before && now_ns > r->shown_ns[peer])
		report_line(line, CONTROL_LINE_LEN, now, before,
			    (double)(now_ns - r->shown_ns[peer]) / NSEC_PER_SEC);
	free(before);
	r->shown[peer] = now;
	r->shown_ns[peer] = now_ns;
}

static void op_line_end(uint32_t peer, void *arg)
{
	struct remote *r = arg;

	free(r->shown[peer]);
	r->shown[peer] = NULL;
}

/* ---- reload ---- */

static void op_reload(const char *path, void *arg)
{
	struct remote *r = arg;

	if (path)
		snprintf(r->reload_path, sizeof(r->reload_path), "%s", path);
	r->reload_wanted = true;
}

void remote_reload_begins(struct remote *r)
{
	r->reload_begin_ns = supervisor_now_ns();
	r->reload_path[0] = '\0';
	r->reload_wanted = false;
	control_reload_begins(r->control);
	notify_reloading(&r->notify, r->reload_begin_ns);
}

void remote_reload_ends(struct remote *r, const char *path, uint64_t pause_ns, const char *error)
{
	struct reload_outcome *last = &r->last;
	uint64_t now = supervisor_now_ns();

	*last = (struct reload_outcome){ .outcome = error ? "failed" : "ok",
					 .load_ns = now - r->reload_begin_ns,
					 .pause_ns = pause_ns,
					 .ended_ns = now };
	snprintf(last->path, sizeof(last->path), "%s", path);
	if (error) {
		snprintf(last->error, sizeof(last->error), "%s", error);
	} else {
		last->hash = r->s->script->hash;
		last->generation = kernel_control(r->s->kernel)->generation;
		r->error[0] = '\0';
	}
	control_reloaded(r->control, error ? NULL : reload_object(r, now), error);
	notify_ready(&r->notify);
}

void remote_rolled_back(struct remote *r, const char *why)
{
	r->last.outcome = "rolled back";
	r->last.ended_ns = supervisor_now_ns();
	snprintf(r->last.error, sizeof(r->last.error), "%s", why);
}

/* ---- settings ---- */

/* The same words as lua/scx/option.lua takes. 1, 0, or -1. */
static int truth(const char *text)
{
	static const char *const words[2][4] = { { "false", "no", "off", "0" },
						 { "true", "yes", "on", "1" } };

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 4; i++)
			if (!strcmp(text, words[value][i]))
				return value;
	return -1;
}

static struct setting *find_setting(struct remote *r, const char *key)
{
	for (uint32_t i = 0; i < r->nr_settings; i++)
		if (!strcmp(r->setting[i].key, key))
			return &r->setting[i];
	return NULL;
}

static void keep_setting(struct remote *r, const struct setting *new)
{
	struct setting *old = find_setting(r, new->key);

	r->s->report.settings++;
	if (old) {
		*old = *new;
		return;
	}
	/* op_set() has seen to it that there was room; a late answer may have taken it since. */
	if (r->nr_settings == MAX_POLICY_OPTIONS) {
		log_line("%s=%s, set at run time, ends with this worker: more than %d options are "
			 "set",
			 new->key, new->value, MAX_POLICY_OPTIONS);
		return;
	}
	/* The worker knows it already; those it has not been told yet come after. */
	memmove(&r->setting[r->nr_told + 1], &r->setting[r->nr_told],
		(r->nr_settings - r->nr_told) * sizeof(*new));
	r->setting[r->nr_told++] = *new;
	r->nr_settings++;
}

static void drop_setting(struct remote *r, uint32_t i)
{
	r->nr_settings--;
	memmove(&r->setting[i], &r->setting[i + 1], (r->nr_settings - i) * sizeof(r->setting[0]));
}

/* builtin_idle is no business of the worker. */
static int set_builtin_idle(struct remote *r, const struct setting *setting, char *error)
{
	int value = truth(setting->value);

	if (value < 0) {
		snprintf(error, CONTROL_TEXT_LEN,
			 "builtin_idle: expected true or false, got \"%s\"", setting->value);
		return -1;
	}
	kernel_control(r->s->kernel)->builtin_idle = (uint32_t)value;
	keep_setting(r, setting);
	control_set_done(r->control, NULL);
	return 0;
}

static int op_set(const char *key, const char *value, char *error, void *arg)
{
	struct remote *r = arg;
	struct supervisor *s = r->s;
	struct setting setting;

	snprintf(setting.key, sizeof(setting.key), "%s", key);
	snprintf(setting.value, sizeof(setting.value), "%s", value);
	if (r->nr_settings == MAX_POLICY_OPTIONS && !find_setting(r, key)) {
		snprintf(error, CONTROL_TEXT_LEN, "more than %d options", MAX_POLICY_OPTIONS);
		return -1;
	}
	if (!s) {
		snprintf(error, CONTROL_TEXT_LEN, "no scheduler is attached");
		return -1;
	}
	if (!strcmp(key, "builtin_idle"))
		return set_builtin_idle(r, &setting, error);
	if (!s->active && !s->loading && !s->restart) {
		snprintf(error, CONTROL_TEXT_LEN,
			 "no policy is running: the built-in one schedules until a reload");
		return -1;
	}
	r->asked = setting;
	r->is_asked = true;
	r->asked_ns = supervisor_now_ns();
	return 0;
}

static void end_asked(struct remote *r, const char *error)
{
	r->is_asked = false;
	control_set_done(r->control, error);
}

/* The worker has answered. Its memory may have been scribbled on by the policy. */
static void take_answer(struct remote *r, struct worker_shm *shm)
{
	char error[POLICY_ERROR_LEN];
	bool was_told = r->mail == MAIL_TOLD;

	snprintf(error, sizeof(error), "%.*s", POLICY_ERROR_LEN - 1, shm->setting.error);
	r->mail = MAIL_NONE;
	if (was_told && error[0]) {
		log_line("%s=%s, set at run time, is dropped: %s", r->mailed.key, r->mailed.value,
			 error);
		drop_setting(r, r->nr_told);
	} else if (was_told) {
		r->nr_told++;
	} else {
		if (!error[0])
			keep_setting(r, &r->mailed);
		if (!r->is_mailed_late)
			end_asked(r, error[0] ? error : NULL);
	}
}

static void post(struct remote *r, struct worker_shm *shm, const struct setting *setting,
		 bool is_asked)
{
	_Static_assert(sizeof(shm->setting.key) == sizeof(setting->key), "one length");
	_Static_assert(sizeof(shm->setting.value) == sizeof(setting->value), "one length");
	memcpy(shm->setting.key, setting->key, sizeof(setting->key));
	memcpy(shm->setting.value, setting->value, sizeof(setting->value));
	r->mailed = *setting;
	r->mail = is_asked ? MAIL_ASKED : MAIL_TOLD;
	r->is_mailed_late = false;
	__atomic_store_n(&shm->setting.state, SETTING_ASKED, __ATOMIC_RELEASE);
}

/* What the active worker is to be told next, if anything. */
static void post_next(struct remote *r, struct worker_shm *shm)
{
	while (r->nr_told < r->nr_settings && !strcmp(r->setting[r->nr_told].key, "builtin_idle"))
		r->nr_told++;
	if (r->nr_told < r->nr_settings)
		post(r, shm, &r->setting[r->nr_told], false);
	else if (r->is_asked)
		post(r, shm, &r->asked, true);
}

void remote_mail(struct remote *r, uint64_t now_ns)
{
	struct worker_shm *shm = r->s->active ? r->s->active->shm : NULL;

	if (shm && r->mail != MAIL_NONE &&
	    __atomic_load_n(&shm->setting.state, __ATOMIC_ACQUIRE) == SETTING_ANSWERED)
		take_answer(r, shm);
	if (shm && r->mail == MAIL_NONE)
		post_next(r, shm);
	/* asked_ns may be the later one: an answer has let the next client ask. */
	if (r->is_asked &&
	    (int64_t)(now_ns - r->asked_ns) > (int64_t)(SET_LIMIT_S * NSEC_PER_SEC)) {
		r->is_mailed_late = true;
		end_asked(r, "the policy has not taken it within 5 s: it is stopped or bypassed");
	}
}

void remote_activated(struct remote *r)
{
	const struct setting *idle = find_setting(r, "builtin_idle");

	r->nr_told = 0;
	r->mail = MAIL_NONE;
	if (idle)
		kernel_control(r->s->kernel)->builtin_idle = (uint32_t)truth(idle->value);
}

/* ---- the service manager ---- */

static void tell_status(struct remote *r)
{
	const struct supervisor *s = r->s;
	char text[NOTIFY_TEXT_LEN];

	if (!s->attached)
		return;
	if (s->active)
		snprintf(text, sizeof(text), "%s#%u schedules (%.64s, hash %016llx)",
			 s->report.policy, kernel_control(s->kernel)->generation, s->script->path,
			 (unsigned long long)s->script->hash);
	else
		snprintf(text, sizeof(text), "bypass, the built-in policy schedules: %.256s",
			 r->error);
	notify_status(&r->notify, text);
}

void remote_attached(struct remote *r)
{
	notify_ready(&r->notify);
}

/* ---- life ---- */

static const struct control_ops ops = {
	op_status, op_stats, op_line, op_line_end, op_reload, op_set
};

enum status remote_open(struct remote *r)
{
	char error[SERVER_ERROR_LEN];
	int err;

	if (r->is_open)
		return STATUS_OK;
	err = control_open(&r->control, control_path(), geteuid(), &ops, r, error);
	if (err == -EADDRINUSE) {
		log_line("another scxlua is running or starting: %s; `scxlua status` shows it, "
			 "`scxlua reload FILE` gives it another policy",
			 error);
		return STATUS_BUSY;
	}
	if (err)
		log_line("%s: it cannot be asked or steered (`scxlua status`)", error);
	if (scx_stats_open(&r->stats, SCX_STATS_PATH, geteuid(), get_stats, r, error))
		log_line("%s: no statistics for the tools of scx", error);
	err = notify_open(&r->notify);
	if (err)
		log_line("the service manager cannot be told ($NOTIFY_SOCKET): %s", strerror(-err));
	r->is_open = true;
	return STATUS_OK;
}

void remote_hang_up(struct remote *r)
{
	control_close(r->control);
	scx_stats_close(r->stats);
	r->control = NULL;
	r->stats = NULL;
}

void remote_close(struct remote *r)
{
	if (!r->is_open)
		return;
	remote_hang_up(r);
	notify_close(&r->notify);
	for (uint32_t i = 0; i < SERVER_PEERS; i++)
		free(r->shown[i]);
}

void remote_attend(struct remote *r, struct supervisor *s)
{
	static const char why[] = "the scheduler was detached meanwhile";

	if (r->s && r->s->next)
		remote_reload_ends(r, r->s->next->path, 0, why);
	r->s = s;
	r->mail = MAIL_NONE;
	/* After that: the next client asks at once. */
	if (r->is_asked)
		end_asked(r, why);
}

void remote_fds(const struct remote *r, int fd[2])
{
	fd[0] = server_fd(control_server(r->control));
	fd[1] = server_fd(scx_stats_server(r->stats));
}

void remote_serve(struct remote *r, uint64_t now_ns)
{
	if (r->control)
		server_serve(control_server(r->control), now_ns);
	if (r->stats)
		server_serve(scx_stats_server(r->stats), now_ns);
}

void remote_tick(struct remote *r, uint64_t now_ns)
{
	remote_mail(r, now_ns);
	if (r->control)
		server_tick(control_server(r->control), now_ns);
	if (r->stats)
		server_tick(scx_stats_server(r->stats), now_ns);
	tell_status(r);
	notify_tick(&r->notify, now_ns);
}
