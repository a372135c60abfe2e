// SPDX-License-Identifier: GPL-2.0-only
/*
 * check_round.c - rounds of a workload, and what they cost.
 *
 * Each workload is run several times over, alternately looked at and timed. What disturbs (another
 * process, an interrupt, a trace that is compiled late) makes work cost more and never less, so
 * the figure is the least of all rounds: of the times segment by segment, since the same cycles do
 * the same work in each round, and hardly any round is left alone from end to end.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check_probe.h"

enum {
	ROUNDS = 3,	 /* of looking and timing, at most, ... */
	ROUNDS_MS = 60,	 /* ... and not another after this much CPU time */
	MOST_ROUNDS = 6, /* while each made garbage, which a trace compiled late does */
	SEGMENT_CYCLES = 64,
	MAX_SEGMENTS = 1024,
};

/*
 * Heap growth per task that is no matter: next to nothing where only tasks come and go; more where
 * threads end, masks change and CPUs go, since what runs that seldom may stay interpreted, and the
 * interpreter makes an object of every pointer.
 */
static const double steady_bytes = 0.05, rare_bytes = 16;

/* Hooks that run for every task: they must not allocate. */
static const enum check_hook hot[] = { AT_ENQUEUE, AT_DISPATCH, AT_EXIT_TASK };
enum { NR_HOT = sizeof(hot) / sizeof(hot[0]) };

struct times {
	double engine_ns, enqueue_ns, dispatch_ns;
};

struct rounds {
	uint32_t done;
	double tasks;	      /* of the last one */
	double bytes[NR_HOT]; /* per task, the least */
	double clock_ns;      /* what a pair of readings of the clock adds */
	struct probe_sums seen;
	uint64_t nr_cycles;
	struct times now[MAX_SEGMENTS]; /* of the round that is running */
	struct times least[MAX_SEGMENTS];
};

static void keep_least(double *least, double value, bool first)
{
	if (first || value < *least)
		*least = value;
}

/* Runs the workload once and counts what it was given. */
static void run(struct trial *t, struct rounds *r)
{
	const struct engine_stats *stats = &t->c->stats;
	struct check_figures *f = &t->c->figures[t->load];
	uint64_t received = stats->received, batches = stats->batches;
	uint64_t ended = stats->threads_gone;

	lua_policy_collect(t->lp);
	check_loads[t->load].run(t);
	r->tasks = (double)(stats->received - received);
	f->tasks += stats->received - received;
	f->batches += stats->batches - batches;
	f->ended += stats->threads_gone - ended;
}

static void look(struct trial *t, struct rounds *r)
{
	const struct probe_sums *sums = probe_sums(t->probe);

	probe_look(t->probe);
	run(t, r);
	for (int i = 0; i < NR_HOT; i++)
		keep_least(&r->bytes[i], (double)sums->bytes[hot[i]] / r->tasks, r->done == 0);
}

/* ---- times ---- */

static double hook_ns(const struct rounds *r, const struct probe_sums *sums, enum check_hook at)
{
	return (double)(sums->ns[at] - r->seen.ns[at]) -
	       r->clock_ns * (double)(sums->calls[at] - r->seen.calls[at]);
}

/*
 * A pair of readings around a call adds about one reading to what lies between them, and two to
 * what lies around both.
 */
void check_cycle_took(struct trial *t, uint64_t ns)
{
	const struct probe_sums *sums = probe_sums(t->probe);
	struct rounds *r = t->rounds;
	uint64_t segment = r->nr_cycles++ / SEGMENT_CYCLES;
	struct times *to = &r->now[segment < MAX_SEGMENTS ? segment : MAX_SEGMENTS - 1];
	uint64_t calls = 0;

	for (int i = 0; i < NR_AT; i++)
		calls += sums->calls[i] - r->seen.calls[i];
	to->engine_ns += (double)ns - r->clock_ns * (double)(1 + 2 * calls);
	to->enqueue_ns += hook_ns(r, sums, AT_ENQUEUE);
	to->dispatch_ns += hook_ns(r, sums, AT_DISPATCH);
	r->seen = *sums;
}

static void take_time(struct trial *t, struct rounds *r)
{
	bool first = r->done == 0;

	memset(r->now, 0, sizeof(r->now));
	memset(&r->seen, 0, sizeof(r->seen));
	r->nr_cycles = 0;
	probe_time(t->probe);
	t->rounds = r;
	trial_time(t, true);
	run(t, r);
	trial_time(t, false);
	t->rounds = NULL;
	for (int i = 0; i < MAX_SEGMENTS; i++) {
		keep_least(&r->least[i].engine_ns, r->now[i].engine_ns, first);
		keep_least(&r->least[i].enqueue_ns, r->now[i].enqueue_ns, first);
		keep_least(&r->least[i].dispatch_ns, r->now[i].dispatch_ns, first);
	}
}

static double positive(double value)
{
	return value > 0 ? value : 0;
}

static void add_up_times(struct trial *t, const struct rounds *r)
{
	struct check_figures *f = &t->c->figures[t->load];
	struct times sum = { 0 };

	for (int i = 0; i < MAX_SEGMENTS; i++) {
		sum.engine_ns += r->least[i].engine_ns;
		sum.enqueue_ns += r->least[i].enqueue_ns;
		sum.dispatch_ns += r->least[i].dispatch_ns;
	}
	f->ns = positive(sum.engine_ns) / r->tasks;
	f->enqueue_ns = positive(sum.enqueue_ns) / r->tasks;
	f->dispatch_ns = positive(sum.dispatch_ns) / r->tasks;
}

/* ---- bytes ---- */

static double noise_bytes(const struct trial *t)
{
	return t->load <= LOAD_STEADY ? steady_bytes : rare_bytes;
}

static double least_bytes(const struct rounds *r)
{
	double sum = 0;

	for (int i = 0; i < NR_HOT; i++)
		sum += r->bytes[i];
	return sum;
}

static void judge_bytes(struct trial *t, const struct rounds *r)
{
	double noise = noise_bytes(t), sum = least_bytes(r), most = 0;
	enum check_hook at = AT_NONE;

	for (int i = 0; i < NR_HOT; i++) {
		if (r->bytes[i] > most) {
			most = r->bytes[i];
			at = hot[i];
		}
	}
	t->c->figures[t->load].bytes = sum;
	if (sum <= noise)
		return;
	trial_found(t, FOUND_GARBAGE, at, (uint64_t)(sum * r->tasks));
	if (sum <= t->worst_bytes)
		return;
	t->worst_bytes = sum;
	snprintf(t->c->detail[FOUND_GARBAGE], POLICY_ERROR_LEN, "%.1f bytes allocated per task",
		 sum);
}

static bool one_more(const struct trial *t, const struct rounds *r, clock_t begin)
{
	if (r->done == 0)
		return true;
	if (r->done < ROUNDS && clock() - begin < ROUNDS_MS * CLOCKS_PER_SEC / 1000)
		return true;
	return r->done < MOST_ROUNDS && least_bytes(r) > noise_bytes(t);
}

/* stats() is part of it: it may be asked for at any time. */
void check_rounds(struct trial *t)
{
	static struct rounds r;
	clock_t begin = clock();

	memset(&r, 0, sizeof(r));
	r.clock_ns = probe_clock_cost();
	while (one_more(t, &r, begin)) {
		look(t, &r);
		take_time(t, &r);
		r.done++;
	}
	add_up_times(t, &r);
	judge_bytes(t, &r);
	check_stats(t);
}
