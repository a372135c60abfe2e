// SPDX-License-Identifier: GPL-2.0-only
/*
 * check_fresh.c - what needs a Lua state of its own: a reload, and growth.
 *
 * Growth: an interpreted policy, on a machine of few threads, of which one ends with every
 * batch. What it keeps is measured after 1, 4 and 16 units of that: what has a bound (a table by
 * thread that is cleaned up, a string for each cgroup) has reached it by then, and what has none
 * grows from each measurement to the next, more than proportionally to no work, even if tables
 * grow by doubling.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check_probe.h"
#include "worker.h"

enum {
	HELD_TASKS = 512,
	RELOAD_BATCHES = 64,

	GROWTH_THREADS = 256,
	UNIT_BATCHES = 128,
	UNIT_TASKS = 8, /* in each */
	LEAST_BYTES = 256,
};

/* ---- reload ---- */

struct state {
	char *text; /* NULL: none */
	size_t len;
};

/* 0, or -1 after a problem that has been kept. */
static int export_state(struct trial *t, struct state *s)
{
	int err;

	trial_begin_cold(t, HOOK_EXPORT);
	err = lua_policy_export(t->lp, &s->text, &s->len);
	trial_end_cold(t);
	if (err) {
		trial_error(t, AT_EXPORT);
		return -1;
	}
	if (s->len <= WORKER_STATE_MAX)
		return 0;
	trial_found(t, FOUND_LOST_STATE, AT_EXPORT, 1);
	snprintf(t->c->detail[FOUND_LOST_STATE], POLICY_ERROR_LEN,
		 "%zu bytes of state, and %d are handed over at most", s->len, WORKER_STATE_MAX);
	return -1;
}

static int import_state(struct trial *t, const struct state *s)
{
	int err;

	trial_begin_cold(t, HOOK_IMPORT);
	err = lua_policy_import(t->lp, s->text, s->len);
	trial_end_cold(t);
	if (err)
		trial_error(t, AT_IMPORT);
	return err;
}

/* What went in must come out again. */
static void import_and_compare(struct trial *t, const struct state *before)
{
	struct state after = { 0 };

	if (import_state(t, before))
		return;
	if (!export_state(t, &after) &&
	    lua_policy_compare(t->lp, before->text, before->len, after.text, after.len,
			       t->c->detail[FOUND_LOST_STATE]))
		trial_found(t, FOUND_LOST_STATE, AT_IMPORT, 1);
	free(after.text);
}

/* The old one goes, as its process would; its queues must not know tasks that the new one has. */
static int replace(struct trial *t)
{
	lua_policy_free(t->lp);
	t->lp = NULL;
	probe_free(t->probe);
	t->probe = NULL;
	engine_free(t->engine);
	t->engine = NULL;
	return trial_load(t);
}

void check_reload(struct trial *t)
{
	struct check_figures *f = &t->c->figures[t->load];
	uint64_t received = t->c->stats.received, batches = t->c->stats.batches;
	struct state state = { 0 };
	bool is_exported;

	trial_fill(t, true);
	synth_enqueue(t->synth, HELD_TASKS);
	trial_cycle(t);
	is_exported = !export_state(t, &state) && state.text;
	if (!replace(t)) {
		if (is_exported)
			import_and_compare(t, &state);
		trial_attach(t);
		engine_adopt(t->engine);
		trial_fill(t, false);
		trial_quiet(t);
		for (int i = 0; i < RELOAD_BATCHES; i++)
			trial_batch(t, 1u << i % 8);
		trial_end_threads(t, TRIAL_THREADS);
	}
	free(state.text);
	f->tasks = t->c->stats.received - received;
	f->batches = t->c->stats.batches - batches;
	f->ended = TRIAL_THREADS;
}

/* ---- growth ---- */

static void unit(struct trial *t, uint32_t units, bool end)
{
	for (uint32_t i = 0; i < units * UNIT_BATCHES; i++) {
		synth_enqueue(t->synth, UNIT_TASKS);
		trial_cycle(t);
		if (end)
			synth_exit(t->synth, synth_last(t->synth));
		trial_cycle(t);
		synth_drain(t->synth);
	}
	trial_quiet(t);
}

static double measure(struct trial *t, uint32_t units, bool end)
{
	unit(t, units, end);
	lua_policy_collect(t->lp);
	return (double)lua_policy_bytes(t->lp);
}

static void judge_growth(struct trial *t, const double *kept, double without_ends)
{
	double first = kept[1] - kept[0], second = kept[2] - kept[1];
	double tasks = 12 * UNIT_BATCHES * UNIT_TASKS, ends = 12 * UNIT_BATCHES;
	bool by_task = without_ends - kept[2] > second / 4;

	t->c->heap_bytes = (size_t)kept[2];
	if (first < LEAST_BYTES || second < 1.5 * first)
		return;
	trial_found(t, FOUND_GROWTH, by_task ? AT_ENQUEUE : AT_EXIT_TASK, (uint64_t)second);
	snprintf(t->c->detail[FOUND_GROWTH], POLICY_ERROR_LEN,
		 "the policy keeps %.1f bytes more for each %s", second / (by_task ? tasks : ends),
		 by_task ? "task" : "thread that has ended");
}

static void watch_growth(struct trial *t)
{
	double kept[3];

	lua_policy_interpret(t->lp);
	trial_attach(t);
	kept[0] = measure(t, 1, true);
	kept[1] = measure(t, 3, true);
	kept[2] = measure(t, 12, true);
	judge_growth(t, kept, measure(t, 12, false));
}

void check_growth(const struct trial *like)
{
	struct trial t = { .c = like->c, .job = like->job, .load = LOAD_GROWTH };
	struct check_figures *f = &t.c->figures[LOAD_GROWTH];
	const struct engine_stats *stats = &t.c->stats;

	f->tasks -= stats->received;
	f->batches -= stats->batches;
	f->ended -= stats->threads_gone;
	if (trial_open(&t, GROWTH_THREADS))
		snprintf(t.c->fatal, POLICY_ERROR_LEN, "no memory for the check");
	else if (!trial_load(&t))
		watch_growth(&t);
	trial_close(&t);
	f->tasks += stats->received;
	f->batches += stats->batches;
	f->ended += stats->threads_gone;
}
