// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench.c - what a task costs in user space, step by step: nanoseconds per task, medians.
 *
 * Records come out of a real BPF ring and verdicts go into a real user ring, made and taken by
 * BPF programs outside of the timed part; no scheduler is attached, so it runs on any kernel
 * that loads plain BPF, and with synth.h's rings on any other. Columns:
 *
 *   drain     from the start of engine_cycle() to the policy's first hook
 *   policy    in the policy's hooks (enqueue, dispatch)
 *   validate  from there to the end of the cycle, less `commit`
 *   commit    filling and publishing verdicts in the user ring, measured by itself
 *   cycle     the whole of engine_cycle(), measured without a stopwatch in the policy
 *
 * The clock's own cost is taken off each interval between two readings of ours. A benchmark, not
 * a test: it fails on wrong usage only.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "policy_lua.h"
#include "queue.h"
#include "warmup.h"

enum { SLOTS = 1 << 14, TABLE_CPUS = 4 };

const uint32_t batch_size[NR_BATCHES] = { 1, 8, 64, 512 };

static int by_value(const void *a, const void *b)
{
	double l = *(const double *)a, r = *(const double *)b;

	return l < r ? -1 : l > r;
}

static double median(double *value, uint32_t n)
{
	qsort(value, n, sizeof(*value), by_value);
	return value[n / 2];
}

static double at_least_0(double value)
{
	return value > 0 ? value : 0;
}

/* ---- the engine ---- */

static uint32_t rounds_of(const struct bench *b, uint32_t n)
{
	return b->opt.tasks > n ? b->opt.tasks / n : 1;
}

/* One batch through the engine; nanoseconds it took. */
static double timed_cycle(struct bench *b, struct engine *e, uint32_t n, uint64_t *begin)
{
	double took;

	feed_produce(&b->feed, n);
	*begin = clock_ns();
	engine_cycle(e);
	took = (double)(clock_ns() - *begin) - b->clock;
	b->missing += n - feed_take(&b->feed);
	return took;
}

static double time_cycle(struct bench *b, struct engine *e, uint32_t n)
{
	uint32_t rounds = rounds_of(b, n);
	uint64_t begin;
	double sum = 0;

	for (uint32_t i = 0; i < rounds; i++)
		sum += timed_cycle(b, e, n, &begin);
	return sum / rounds / n;
}

/* The same with a stopwatch in the policy: drain, policy, and in VALIDATE what is left. */
static void time_steps(struct bench *b, struct subject *s, uint32_t n, double *ns)
{
	uint32_t rounds = rounds_of(b, n);
	double total = 0, before = 0, clocks, per = (double)rounds * n;
	struct stopwatch w;

	stopwatch_init(&w, s->policy);
	engine_set_policy(s->engine, &w.policy);
	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t begin;

		w.first = 0;
		total += timed_cycle(b, s->engine, n, &begin);
		if (w.first)
			before += (double)(w.first - begin) - b->clock;
	}
	engine_set_policy(s->engine, s->policy);
	clocks = b->clock * (double)w.calls;
	ns[DRAIN] = before / per;
	ns[POLICY] = ((double)w.spent - clocks) / per;
	/* Each call has two readings: one lies in `spent`, the other one outside of it. */
	ns[VALIDATE] = (total - before - (double)w.spent - clocks) / per;
}

/* Verdicts alone: reserve, fill, publish. */
static double time_commit(struct bench *b, uint32_t n)
{
	uint32_t rounds = rounds_of(b, n);
	double sum = 0;

	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t begin = clock_ns();

		for (uint32_t k = 0; k < n; k++) {
			struct scxlua_verdict *v = uring_reserve(&b->feed.uring);

			if (v)
				*v = (struct scxlua_verdict){ .cookie = UINT64_MAX,
							      .seq = k,
							      .slice_ns = 5000000,
							      .pid = 1000 };
		}
		uring_publish(&b->feed.uring);
		sum += (double)(clock_ns() - begin) - b->clock;
		feed_take(&b->feed);
	}
	return sum / rounds / n;
}

static void measure(struct bench *b, struct subject *s, int size, uint32_t repeat)
{
	uint32_t n = batch_size[size];
	double ns[NR_COLUMNS];

	b->clock = clock_cost();
	ns[CYCLE] = time_cycle(b, s->engine, n);
	time_steps(b, s, n, ns);
	ns[COMMIT] = time_commit(b, n);
	ns[VALIDATE] -= ns[COMMIT];
	engine_idle(s->engine);
	for (int c = 0; c < NR_COLUMNS; c++)
		s->sample[size][c][repeat] = at_least_0(ns[c]);
}

/* ---- the rival ---- */

static void measure_rival(struct bench *b, int size, uint32_t repeat)
{
	uint32_t n = batch_size[size];
	uint32_t rounds = rounds_of(b, n) / 4 + 1;
	struct rustland_time t = { 0 };
	double ns[NR_RIVAL] = { 0 }, per = (double)rounds * n, clock;

	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t begin = clock_ns();

		feed_produce(&b->feed, n);
		ns[PRODUCE] += (double)(clock_ns() - begin) / per;
		rustland_run(b->rustland, n, &t);
		begin = clock_ns();
		b->missing += n - feed_take(&b->feed);
		ns[TAKE] += (double)(clock_ns() - begin) / per;
	}
	clock = b->clock / n;
	ns[CONSUME] = t.consume / per - clock;
	ns[SELECT_CPU] = t.select_cpu / per - clock;
	ns[SUBMIT] = t.submit / per - clock;
	ns[RIVAL_SUM] = ns[CONSUME] + ns[SELECT_CPU] + ns[SUBMIT];
	/* The kernel's part of a batch comes with one system call, which is not its own. */
	ns[PRODUCE] -= ns[SELECT_CPU] / n;
	ns[TAKE] -= ns[SELECT_CPU] / n;
	for (int c = 0; c < NR_RIVAL; c++)
		b->rival_sample[size][c][repeat] = at_least_0(ns[c]);
	ring_attach(&b->feed.ring);
	uring_attach(&b->feed.uring);
}

/* ---- all of them ---- */

/*
 * In turns, and not one subject after the other: a machine that changes its speed meanwhile,
 * as shared ones do, then changes it for all.
 */
static void measure_all(struct bench *b, uint32_t repeat)
{
	for (int size = 0; size < NR_BATCHES; size++) {
		for (int i = 0; i < b->nr_subjects; i++)
			measure(b, &b->subject[i], size, repeat);
		if (b->rustland)
			measure_rival(b, size, repeat);
	}
}

static void take_medians(struct bench *b)
{
	for (int size = 0; size < NR_BATCHES; size++) {
		for (int i = 0; i < b->nr_subjects; i++)
			for (int c = 0; c < NR_COLUMNS; c++)
				b->subject[i].ns[size][c] =
					median(b->subject[i].sample[size][c], b->opt.repeats);
		for (int c = 0; c < NR_RIVAL; c++)
			b->rival[size][c] = median(b->rival_sample[size][c], b->opt.repeats);
	}
}

/* ---- subjects ---- */

static void subject_close(struct subject *s)
{
	lua_policy_free(s->lua);
	scx_queue_free(s->c.queue);
	engine_free(s->engine);
	table_free(s->table);
}

/* The next free subject with an engine, not yet counted; NULL if memory is short. */
static struct subject *subject_open(struct bench *b, const char *name, const char *language)
{
	const struct engine_config cfg = { .slice_ns = 5000000,
					   .max_slice_ns = 100000000,
					   .min_slice_ns = 100000 };
	const struct engine_view view = { b->feed.cpus, b->feed.nr_cpus, &b->feed.control };
	struct subject *s = &b->subject[b->nr_subjects];

	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%s %s", name, language);
	s->table = table_new(SLOTS, TABLE_CPUS);
	if (s->table)
		s->engine =
			engine_new(&cfg, &view, &b->feed.ring, &b->feed.uring, s->table, &s->stats);
	if (s->engine)
		return s;
	subject_close(s);
	return NULL;
}

static void add_c(struct bench *b, const char *name, const struct policy_ops *ops)
{
	struct subject *s = subject_open(b, name, "C");

	if (!s)
		return;
	s->c.policy.ops = ops;
	s->c.policy.self = &s->c;
	s->c.vnow = 1e9;
	s->c.engine = s->engine;
	s->c.queue = scx_heap_new(SLOTS);
	s->policy = &s->c.policy;
	engine_set_policy(s->engine, s->policy);
	if (s->c.queue)
		b->nr_subjects++;
	else
		subject_close(s);
}

static struct lua_policy *lua_open(const char *path, const struct lua_host *host, char *error)
{
	struct lua_policy *lp = NULL;
	struct script *script = NULL;

	if (script_read(&script, path, error))
		return NULL;
	if (!lua_policy_new(&lp, script, host, error) && policy_warm_up(lp, host, error)) {
		lua_policy_free(lp);
		lp = NULL;
	}
	script_free(script);
	return lp;
}

static void add_lua(struct bench *b, const char *name)
{
	struct lua_host host = { .cpus = b->feed.cpus,
				 .nr_cpus = b->feed.nr_cpus,
				 .max_tasks = SLOTS,
				 .libdir = b->opt.lua,
				 .arena_bytes = 64u << 20,
				 .load_ns = 1000000000 };
	struct subject *s = subject_open(b, name, "Lua");
	char path[4096], error[POLICY_ERROR_LEN];

	if (!s)
		return;
	host.engine = s->engine;
	snprintf(path, sizeof(path), "%s/%s.lua", b->opt.policies, name);
	s->lua = lua_open(path, &host, error);
	if (!s->lua) {
		fprintf(stderr, "bench: %s is left out: %s\n", s->name, error);
		subject_close(s);
		return;
	}
	s->policy = lua_policy_ops(s->lua);
	engine_set_policy(s->engine, s->policy);
	b->nr_subjects++;
}

/* ---- main ---- */

static const char usage[] =
	"usage: bench [options]\n"
	"  --json FILE      write the figures there too\n"
	"  --quick          fewer repeats, for a look\n"
	"  --synth          made-up rings instead of BPF\n"
	"  --threads N      threads that the records are about, 600..8192 (1024)\n"
	"  --policies DIR   where fifo.lua and vtime.lua are (policies)\n"
	"  --lua DIR        where scx.lua is (lua)\n";

enum { OPT_JSON = 1, OPT_QUICK, OPT_SYNTH, OPT_THREADS, OPT_POLICIES, OPT_LUA };

static const struct option longs[] = {
	{ "json", required_argument, NULL, OPT_JSON },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "synth", no_argument, NULL, OPT_SYNTH },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "policies", required_argument, NULL, OPT_POLICIES },
	{ "lua", required_argument, NULL, OPT_LUA },
	{ NULL, 0, NULL, 0 },
};

static bool parse(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == OPT_JSON)
			o->json = optarg;
		else if (c == OPT_QUICK)
			o->repeats = 3;
		else if (c == OPT_SYNTH)
			o->synth = true;
		else if (c == OPT_THREADS)
			o->threads = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == OPT_POLICIES)
			o->policies = optarg;
		else if (c == OPT_LUA)
			o->lua = optarg;
		else
			return false;
	}
	return optind == argc && o->threads >= 600 && o->threads <= 8192;
}

int main(int argc, char **argv)
{
	static struct bench b = { .opt = { .policies = "policies",
					   .lua = "lua",
					   .threads = 1024,
					   .repeats = 11,
					   .tasks = 8192 } };

	if (!parse(&b.opt, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (feed_open(&b.feed, b.opt.threads, !b.opt.synth)) {
		fprintf(stderr, "bench: no memory for the rings; nothing measured\n");
		return 0;
	}
	add_c(&b, "fifo", &c_fifo_ops);
	add_lua(&b, "fifo");
	add_c(&b, "vtime", &c_vtime_ops);
	add_lua(&b, "vtime");
	b.rustland = rustland_new(&b.feed);
	measure_all(&b, 0); /* once for the caches and the branch predictor */
	for (uint32_t i = 0; i < b.opt.repeats; i++)
		measure_all(&b, i);
	take_medians(&b);
	print_table(&b);
	if (b.opt.json)
		write_json(&b);
	rustland_free(b.rustland);
	for (int i = 0; i < b.nr_subjects; i++)
		subject_close(&b.subject[i]);
	feed_close(&b.feed);
	return 0;
}
