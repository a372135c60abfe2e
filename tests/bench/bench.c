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

enum { NR_BATCHES = 4, MAX_REPEATS = 101, MAX_POLICIES = 8, SLOTS = 1 << 14 };

static const uint32_t batch_size[NR_BATCHES] = { 1, 8, 64, 512 };

enum column { DRAIN, POLICY, VALIDATE, COMMIT, CYCLE, NR_COLUMNS };

static const char *const column_name[NR_COLUMNS] = { "drain", "policy", "validate", "commit",
						     "cycle" };

enum rival { CONSUME, SELECT_CPU, SUBMIT, RIVAL_SUM, PRODUCE, TAKE, NR_RIVAL };

static const char *const rival_name[NR_RIVAL] = { "consume", "select_cpu",  "submit",
						  "sum",     "bpf produce", "bpf take" };

struct result {
	char name[32];
	double ns[NR_BATCHES][NR_COLUMNS];
};

struct options {
	const char *json;
	const char *policies;
	const char *lua;
	uint32_t threads;
	uint32_t repeats;
	uint32_t tasks; /* per repeat */
	bool synth;
};

struct bench {
	struct options opt;
	struct feed feed;
	struct table *table;
	struct engine_stats stats;
	struct engine *engine;
	double clock;
	uint64_t missing; /* tasks that came back without a verdict */

	struct result result[MAX_POLICIES];
	int nr_results;
	double rival[NR_BATCHES][NR_RIVAL];
	bool has_rival;
};

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
static double timed_cycle(struct bench *b, uint32_t n, uint64_t *begin)
{
	double took;

	feed_produce(&b->feed, n);
	*begin = clock_ns();
	engine_cycle(b->engine);
	took = (double)(clock_ns() - *begin) - b->clock;
	b->missing += n - feed_take(&b->feed);
	return took;
}

static double repeat_cycle(struct bench *b, uint32_t n)
{
	uint32_t rounds = rounds_of(b, n);
	uint64_t begin;
	double sum = 0;

	for (uint32_t i = 0; i < rounds; i++)
		sum += timed_cycle(b, n, &begin);
	return sum / rounds / n;
}

/* The same with a stopwatch in the policy: drain, policy, and what is left, per task. */
static void repeat_split(struct bench *b, struct stopwatch *s, uint32_t n, double *drain,
			 double *policy, double *rest)
{
	uint32_t rounds = rounds_of(b, n);
	double total = 0, before = 0;

	s->spent = 0;
	s->calls = 0;
	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t begin;

		s->first = 0;
		total += timed_cycle(b, n, &begin);
		if (s->first)
			before += (double)(s->first - begin) - b->clock;
	}
	*drain = before / rounds / n;
	*policy = ((double)s->spent - b->clock * (double)s->calls) / rounds / n;
	/* Each call puts a second reading into the cycle, beside the one taken off as its own. */
	*rest = (total - before - (double)s->spent - b->clock * (double)s->calls) / rounds / n;
}

/* Verdicts alone: reserve, fill, publish. */
static double repeat_commit(struct bench *b, uint32_t n)
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

static void measure_batch(struct bench *b, struct policy *p, uint32_t n, double *ns)
{
	double sample[NR_COLUMNS][MAX_REPEATS];
	struct stopwatch s;

	stopwatch_init(&s, p);
	for (uint32_t i = 0; i < b->opt.repeats; i++) {
		engine_set_policy(b->engine, p);
		sample[CYCLE][i] = repeat_cycle(b, n);
		engine_set_policy(b->engine, &s.policy);
		repeat_split(b, &s, n, &sample[DRAIN][i], &sample[POLICY][i], &sample[VALIDATE][i]);
		sample[COMMIT][i] = repeat_commit(b, n);
		sample[VALIDATE][i] -= sample[COMMIT][i];
		engine_set_policy(b->engine, p);
		engine_idle(b->engine);
	}
	for (int c = 0; c < NR_COLUMNS; c++)
		ns[c] = at_least_0(median(sample[c], b->opt.repeats));
}

static void measure(struct bench *b, const char *name, struct policy *p)
{
	struct result *r = &b->result[b->nr_results++];
	double ignored[NR_COLUMNS];
	uint32_t repeats = b->opt.repeats;

	snprintf(r->name, sizeof(r->name), "%s", name);
	b->opt.repeats = 1;
	for (int i = 0; i < NR_BATCHES; i++)
		measure_batch(b, p, batch_size[i], ignored);
	b->opt.repeats = repeats;
	for (int i = 0; i < NR_BATCHES; i++)
		measure_batch(b, p, batch_size[i], r->ns[i]);
	engine_set_policy(b->engine, NULL);
}

static bool bench_engine(struct bench *b)
{
	const struct engine_config cfg = { 5000000, 100000000, 100000 };
	const struct engine_view view = { b->feed.cpus, b->feed.nr_cpus, &b->feed.control };

	engine_free(b->engine);
	table_free(b->table);
	b->table = table_new(SLOTS);
	b->engine = b->table ? engine_new(&cfg, &view, &b->feed.ring, &b->feed.uring, b->table,
					  &b->stats) :
			       NULL;
	return b->engine;
}

static void measure_c(struct bench *b, const char *name, const struct policy_ops *ops)
{
	struct c_policy c = { .policy = { .ops = ops }, .vnow = 1e9 };

	if (!bench_engine(b))
		return;
	c.policy.self = &c;
	c.engine = b->engine;
	c.queue = scx_heap_new(SLOTS);
	if (c.queue)
		measure(b, name, &c.policy);
	scx_queue_free(c.queue);
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

static void measure_lua(struct bench *b, const char *name)
{
	struct lua_host host = { .cpus = b->feed.cpus,
				 .nr_cpus = b->feed.nr_cpus,
				 .max_tasks = SLOTS,
				 .libdir = b->opt.lua,
				 .arena_bytes = 64u << 20,
				 .load_ns = 1000000000 };
	char path[4096], error[POLICY_ERROR_LEN], label[32];
	struct lua_policy *lp;

	if (!bench_engine(b))
		return;
	host.engine = b->engine;
	snprintf(path, sizeof(path), "%s/%s.lua", b->opt.policies, name);
	snprintf(label, sizeof(label), "%s Lua", name);
	lp = lua_open(path, &host, error);
	if (!lp) {
		fprintf(stderr, "bench: %s is left out: %s\n", label, error);
		return;
	}
	measure(b, label, lua_policy_ops(lp));
	lua_policy_free(lp);
}

/* ---- the rival ---- */

static void repeat_rival(struct bench *b, struct rustland *r, uint32_t n, double *ns)
{
	uint32_t rounds = rounds_of(b, n) / 4 + 1;
	struct rustland_time t = { 0 };
	double produce = 0, take = 0, per = (double)rounds * n;

	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t begin = clock_ns();

		feed_produce(&b->feed, n);
		produce += (double)(clock_ns() - begin);
		rustland_run(r, n, &t);
		begin = clock_ns();
		b->missing += n - feed_take(&b->feed);
		take += (double)(clock_ns() - begin);
	}
	ns[CONSUME] = t.consume / per - b->clock / n;
	ns[SELECT_CPU] = t.select_cpu / per - b->clock / n;
	ns[SUBMIT] = t.submit / per - b->clock / n;
	ns[RIVAL_SUM] = ns[CONSUME] + ns[SELECT_CPU] + ns[SUBMIT];
	/* The kernel's part of a batch comes with one system call, which is not its own. */
	ns[PRODUCE] = at_least_0(produce / per - ns[SELECT_CPU] / n);
	ns[TAKE] = at_least_0(take / per - ns[SELECT_CPU] / n);
}

static void measure_rival(struct bench *b)
{
	struct rustland *r = rustland_new(&b->feed);
	double sample[NR_RIVAL][MAX_REPEATS], one[NR_RIVAL];

	if (!r)
		return;
	for (int size = 0; size < NR_BATCHES; size++) {
		for (uint32_t i = 0; i < b->opt.repeats; i++) {
			repeat_rival(b, r, batch_size[size], one);
			for (int c = 0; c < NR_RIVAL; c++)
				sample[c][i] = one[c];
		}
		for (int c = 0; c < NR_RIVAL; c++)
			b->rival[size][c] = median(sample[c], b->opt.repeats);
	}
	b->has_rival = true;
	rustland_free(r);
	ring_attach(&b->feed.ring);
	uring_attach(&b->feed.uring);
}

/* ---- ratios ---- */

static const struct result *find(const struct bench *b, const char *name)
{
	for (int i = 0; i < b->nr_results; i++)
		if (!strcmp(b->result[i].name, name))
			return &b->result[i];
	return NULL;
}

enum ratio {
	FIFO_POLICY,
	FIFO_CYCLE,
	VTIME_POLICY,
	VTIME_CYCLE,
	RIVAL_RINGS,
	RIVAL_ALL,
	NR_RATIOS
};

static const char *const ratio_name[NR_RATIOS] = {
	"fifo: policy in Lua / in C",  "fifo: cycle in Lua / in C",
	"vtime: policy in Lua / in C", "vtime: cycle in Lua / in C",
	"rustland's rings / fifo Lua", "rustland with select_cpu / fifo Lua",
};

/* What is below the clock's resolution is no denominator. */
static double quotient(double a, double b)
{
	return b >= 2 ? a / b : 0;
}

/* 0 where something was not measured, or is too small for it. */
static double ratio(const struct bench *b, enum ratio which, int size)
{
	bool is_vtime = which == VTIME_POLICY || which == VTIME_CYCLE;
	enum column column = which == FIFO_POLICY || which == VTIME_POLICY ? POLICY : CYCLE;
	const struct result *lua = find(b, is_vtime ? "vtime Lua" : "fifo Lua");
	const struct result *c = find(b, is_vtime ? "vtime C" : "fifo C");
	const double *rival = b->rival[size];

	if (!lua || !c)
		return 0;
	if (which == RIVAL_RINGS)
		return quotient(rival[CONSUME] + rival[SUBMIT], lua->ns[size][CYCLE]);
	if (which == RIVAL_ALL)
		return quotient(rival[RIVAL_SUM], lua->ns[size][CYCLE]);
	return quotient(lua->ns[size][column], c->ns[size][column]);
}

/* ---- output ---- */

static void print_head(const char *title)
{
	printf("\n%-38s", title);
	for (int i = 0; i < NR_BATCHES; i++)
		printf(" %9u", batch_size[i]);
	printf("\n");
}

static void print_results(const struct bench *b)
{
	print_head("ns per task, at a batch of");
	for (int i = 0; i < b->nr_results; i++) {
		for (int c = 0; c < NR_COLUMNS; c++) {
			printf("%-12s %-25s", c ? "" : b->result[i].name, column_name[c]);
			for (int size = 0; size < NR_BATCHES; size++)
				printf(" %9.1f", b->result[i].ns[size][c]);
			printf("\n");
		}
	}
}

static void print_rival(const struct bench *b)
{
	if (!b->has_rival) {
		printf("rustland's way is not measured: it needs BPF (%s)\n", b->feed.why);
		return;
	}
	for (int c = 0; c < NR_RIVAL; c++) {
		printf("%-12s %-25s",
		       c == 0	    ? "rustland" :
		       c == PRODUCE ? "kernel" :
				      "",
		       rival_name[c]);
		for (int size = 0; size < NR_BATCHES; size++)
			printf(" %9.1f", b->rival[size][c]);
		printf("\n");
	}
}

static void print_ratios(const struct bench *b)
{
	print_head("ratios");
	for (int r = 0; r < NR_RATIOS; r++) {
		printf("%-38s", ratio_name[r]);
		for (int size = 0; size < NR_BATCHES; size++) {
			double value = ratio(b, r, size);

			if (value > 0)
				printf(" %9.2f", value);
			else
				printf(" %9s", "-");
		}
		printf("\n");
	}
}

static void print_table(const struct bench *b)
{
	printf("rings: %s%s; %u threads; medians of %u x %u tasks; a clock reading: %.0f ns\n",
	       b->feed.skel ? "BPF" : "made up, BPF: ", b->feed.why, b->feed.threads,
	       b->opt.repeats, b->opt.tasks, b->clock);
	print_results(b);
	print_rival(b);
	print_ratios(b);
	if (b->missing)
		printf("\n%llu tasks came back without a decision: do not trust this run\n",
		       (unsigned long long)b->missing);
}

static void json_row(FILE *f, const char *key, const double *by_size, size_t stride)
{
	fprintf(f, "\"%s\": [", key);
	for (int size = 0; size < NR_BATCHES; size++)
		fprintf(f, "%s%.2f", size ? ", " : "", by_size[(size_t)size * stride]);
	fprintf(f, "]");
}

static void json_results(FILE *f, const struct bench *b)
{
	for (int i = 0; i < b->nr_results; i++) {
		fprintf(f, "%s\n\t\t\"%s\": {", i ? "," : "", b->result[i].name);
		for (int c = 0; c < NR_COLUMNS; c++) {
			fprintf(f, "%s", c ? ", " : " ");
			json_row(f, column_name[c], &b->result[i].ns[0][c], NR_COLUMNS);
		}
		fprintf(f, " }");
	}
}

static void json_rival(FILE *f, const struct bench *b)
{
	for (int c = 0; c < NR_RIVAL; c++) {
		fprintf(f, "%s\n\t\t", c ? "," : "");
		json_row(f, rival_name[c], &b->rival[0][c], NR_RIVAL);
	}
}

static void json_ratios(FILE *f, const struct bench *b)
{
	for (int r = 0; r < NR_RATIOS; r++) {
		double value[NR_BATCHES];

		for (int size = 0; size < NR_BATCHES; size++)
			value[size] = ratio(b, r, size);
		fprintf(f, "%s\n\t\t", r ? "," : "");
		json_row(f, ratio_name[r], value, 1);
	}
}

/* Every list has one number per batch size; ns per task, ratios without unit. */
static void write_json(const struct bench *b)
{
	FILE *f = fopen(b->opt.json, "w");

	if (!f) {
		perror(b->opt.json);
		return;
	}
	fprintf(f, "{\n\t\"rings\": \"%s\",\n\t\"batch\": [1, 8, 64, 512],\n",
		b->feed.skel ? "bpf" : "synth");
	fprintf(f, "\t\"repeats\": %u, \"tasks\": %u, \"threads\": %u,\n", b->opt.repeats,
		b->opt.tasks, b->feed.threads);
	fprintf(f, "\t\"clock_ns\": %.2f, \"missing\": %llu,\n\t\"scxlua\": {", b->clock,
		(unsigned long long)b->missing);
	json_results(f, b);
	fprintf(f, "\n\t}");
	if (b->has_rival) {
		fprintf(f, ",\n\t\"rustland\": {");
		json_rival(f, b);
		fprintf(f, "\n\t}");
	}
	fprintf(f, ",\n\t\"ratios\": {");
	json_ratios(f, b);
	fprintf(f, "\n\t}\n}\n");
	if (fclose(f))
		perror(b->opt.json);
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
	b.clock = clock_cost();
	if (feed_open(&b.feed, b.opt.threads, !b.opt.synth)) {
		fprintf(stderr, "bench: no memory for the rings; nothing measured\n");
		return 0;
	}
	measure_c(&b, "fifo C", &c_fifo_ops);
	measure_lua(&b, "fifo");
	measure_c(&b, "vtime C", &c_vtime_ops);
	measure_lua(&b, "vtime");
	measure_rival(&b);
	print_table(&b);
	if (b.opt.json)
		write_json(&b);
	engine_free(b.engine);
	table_free(b.table);
	feed_close(&b.feed);
	return 0;
}
