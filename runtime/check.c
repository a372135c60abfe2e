// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - see check.h.
 *
 * Parent and child share one struct check, written by the child and read by the parent once
 * the child has ended (the progress: at any time).
 */
#include "check.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "synth.h"
#include "warmup.h"

enum {
	NR_THREADS = 4096,
	NR_CPUS = 4,
	STEADY_TASKS = 50000, /* per batch size */
	CHURN_TASKS = 40000,
	QUIET_CYCLES = 4096, /* after which what is held is not going to be dispatched */
	HOOK_LIMIT_MS = 1000,
	LOAD_LIMIT_MS = 1000,
	WALL_LIMIT_MS = 20000, /* of one hook: it may sleep in a C function */
	POLL_MS = 5,
	WHERE_BYTES = 96,
	MAX_ABORTS = 8,
	ABORT_BYTES = 200,
	ARENA_BYTES = 256 << 20,
};

/* Bytes per task below which it is not the tasks: a trace compiled late, a table grown once. */
static const double noise_bytes = 0.05;

struct abort_line {
	char text[ABORT_BYTES];
	uint32_t times;
};

struct check {
	struct engine_progress progress;
	char where[NR_HOOKS][WHERE_BYTES];
	int crashed;  /* signal */
	bool ran_out; /* of Lua memory, before the crash */
	bool is_done;

	char name[64];
	char warning[POLICY_ERROR_LEN];
	char fatal[POLICY_ERROR_LEN];	   /* why it cannot be used */
	char hook_error[POLICY_ERROR_LEN]; /* the first one */
	struct engine_stats stats;
	uint64_t never; /* tasks that were not decided when nothing else was left to do */
	uint64_t engine_ns;
	double bytes_per_task;
	uint32_t nr_aborts; /* distinct, in abort[] */
	struct abort_line abort[MAX_ABORTS];
};

/* What the child works with. */
struct trial {
	struct check *c;
	struct script *script;
	struct lua_policy *lp;
	struct engine *engine;
	struct synth *synth;
	struct table *table;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- the child: workloads ---- */

/* One cycle of the engine, timed; false if there was nothing to do. */
static bool cycle(struct trial *t)
{
	uint64_t begin = clock_ns(CLOCK_MONOTONIC);
	uint64_t errors = t->c->stats.policy_errors;
	uint32_t handled = engine_cycle(t->engine);

	t->c->engine_ns += clock_ns(CLOCK_MONOTONIC) - begin;
	if (!errors && t->c->stats.policy_errors)
		snprintf(t->c->hook_error, POLICY_ERROR_LEN, "%s", lua_policy_ops(t->lp)->error);
	return handled != 0;
}

static void run_batch(struct trial *t, uint32_t n)
{
	synth_enqueue(t->synth, n);
	cycle(t);
	cycle(t);
	synth_drain(t->synth);
}

/* Cycles until the policy has nothing more to give, its tick() included. */
static void run_until_quiet(struct trial *t)
{
	const struct policy *p = lua_policy_ops(t->lp);
	uint64_t wait_ns = p->ops->tick ? 3 * p->ops->tick_ns : 0;
	uint64_t until =
		clock_ns(CLOCK_MONOTONIC) + (wait_ns < 2000000000u ? wait_ns : 2000000000u);
	uint64_t committed;

	do {
		for (int i = 0; i < QUIET_CYCLES; i++) {
			committed = t->c->stats.committed;
			cycle(t);
			if (!synth_drain(t->synth) && t->c->stats.committed == committed)
				break;
		}
		if (wait_ns && table_len(t->table))
			usleep(1000);
	} while (clock_ns(CLOCK_MONOTONIC) < until);
	t->c->never += synth_age(t->synth);
	cycle(t);
}

/* Batches of one size; returns the bytes that the Lua heap took for them. */
static size_t run_steady(struct trial *t, uint32_t size)
{
	size_t grown = 0, before = lua_policy_bytes(t->lp), now;

	for (uint32_t i = 0; i < STEADY_TASKS / size; i++) {
		run_batch(t, size);
		now = lua_policy_bytes(t->lp);
		grown += now > before ? now - before :
					0; /* it shrinks when the policy runs short */
		before = now;
	}
	return grown;
}

static void run_streams(struct trial *t)
{
	static const uint32_t sizes[] = { 512, 64, 8, 1 };
	uint64_t received = t->c->stats.received;
	size_t grown = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		grown += run_steady(t, sizes[i]);
	received = t->c->stats.received - received;
	t->c->bytes_per_task = received ? (double)grown / (double)received : 0;
	run_until_quiet(t);
}

static void run_bursts(struct trial *t)
{
	for (int i = 0; i < 4; i++) {
		run_batch(t, NR_THREADS);
		run_until_quiet(t);
	}
}

/* Threads end while queued, while held and while running. */
static void run_churn(struct trial *t)
{
	for (uint32_t i = 0; i < CHURN_TASKS / 8; i++) {
		synth_enqueue(t->synth, 8);
		if (i % 2)
			cycle(t);
		synth_exit(t->synth, i % NR_THREADS);
		cycle(t);
		synth_drain(t->synth);
	}
	run_until_quiet(t);
	for (uint32_t i = 0; i < NR_THREADS; i++)
		synth_exit(t->synth, i);
	run_until_quiet(t);
}

/* Reasons that only put compilation off: LuaJIT tries again from elsewhere. */
static bool is_transient(const char *line)
{
	static const char *const reasons[] = {
		"leaving loop in root trace",
		"inner loop in root trace",
		"loop unroll limit reached",
		"call unroll limit reached",
		"down-recursion",
		"retry recording",
		"error thrown or hook",
		"failed to allocate mcode",
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strstr(line, reasons[i]))
			return true;
	return false;
}

static void keep_abort(const char *line, uint32_t times, void *arg)
{
	struct check *c = arg;
	struct abort_line *to = &c->abort[c->nr_aborts];

	if (is_transient(line) || c->nr_aborts == MAX_ABORTS)
		return;
	snprintf(to->text, sizeof(to->text), "%s", line);
	to->times = times;
	c->nr_aborts++;
}

/* ---- the child: set-up ---- */

static int make_engine(struct trial *t)
{
	static const struct engine_config cfg = { .slice_ns = 5000000,
						  .max_slice_ns = 100000000,
						  .min_slice_ns = 10000 };
	struct engine_view view;

	t->synth = synth_new(NR_THREADS, NR_CPUS, 1);
	t->table = table_new(2 * NR_THREADS, NR_CPUS);
	if (!t->synth || !t->table)
		return -ENOMEM;
	view = (struct engine_view){ .cpus = synth_cpus(t->synth),
				     .nr_cpus = NR_CPUS,
				     .control = synth_control(t->synth) };
	t->engine = engine_new(&cfg, &view, synth_ring(t->synth), synth_uring(t->synth), t->table,
			       &t->c->stats);
	if (!t->engine)
		return -ENOMEM;
	engine_set_progress(t->engine, &t->c->progress);
	return 0;
}

/* Loading is a hook to the parent, with a limit of its own. */
static int load(struct trial *t, const struct lua_host *host)
{
	struct engine_progress *p = &t->c->progress;
	int err;

	__atomic_store_n(&p->in_hook, (uint32_t)HOOK_LOAD, __ATOMIC_RELEASE);
	err = lua_policy_new(&t->lp, t->script, host, t->c->fatal);
	__atomic_store_n(&p->in_hook, (uint32_t)HOOK_NONE, __ATOMIC_RELEASE);
	if (err)
		return err;
	snprintf(t->c->name, sizeof(t->c->name), "%s", lua_policy_name(t->lp));
	if (lua_policy_warning(t->lp))
		snprintf(t->c->warning, POLICY_ERROR_LEN, "%s", lua_policy_warning(t->lp));
	for (int i = 0; i < NR_HOOKS; i++)
		snprintf(t->c->where[i], WHERE_BYTES, "%s",
			 lua_policy_where(t->lp, (enum engine_hook)i));
	return 0;
}

/* For the crash handler: the signal arrives where no argument can be passed. */
static struct trial *crashing;

static void on_crash(int signal)
{
	crashing->c->crashed = signal;
	crashing->c->ran_out = crashing->lp && lua_policy_ran_out(crashing->lp);
	_exit(1);
}

static void catch_crashes(struct trial *t)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	static uint8_t stack[64 << 10];
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct rlimit no_core = { 0, 0 };
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };

	crashing = t;
	setrlimit(RLIMIT_CORE, &no_core);
	sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

static void run_trial(struct trial *t, struct lua_host *host, bool watch)
{
	if (make_engine(t)) {
		snprintf(t->c->fatal, POLICY_ERROR_LEN, "no memory for the check");
		return;
	}
	host->engine = t->engine;
	host->cpus = synth_cpus(t->synth);
	if (load(t, host))
		return;
	if (watch && lua_policy_watch_traces(t->lp))
		snprintf(t->c->warning, POLICY_ERROR_LEN, "%s", lua_policy_ops(t->lp)->error);
	if (policy_warm_up(t->lp, host, t->c->fatal))
		return;
	run_bursts(t);
	run_streams(t);
	run_churn(t);
	if (watch)
		lua_policy_trace_aborts(t->lp, keep_abort, t->c);
}

static void run_child(struct check *c, struct script *script, const struct lua_option *opts,
		      size_t nr, bool watch)
{
	struct trial t = { .c = c, .script = script };
	struct lua_host host = {
		.nr_cpus = NR_CPUS,
		.max_tasks = NR_THREADS,
		.options = opts,
		.nr_options = nr,
		.arena_bytes = ARENA_BYTES,
		.load_ns = LOAD_LIMIT_MS * 1000000ull,
	};

	catch_crashes(&t);
	run_trial(&t, &host, watch);
	lua_policy_free(t.lp);
	engine_free(t.engine);
	table_free(t.table);
	synth_free(t.synth);
	c->is_done = true;
}

/* ---- the parent: watchdog ---- */

struct watch {
	pid_t pid;
	clockid_t cpu_clock;
	uint64_t batch;		  /* of the hook last seen */
	uint64_t cpu_ns, wall_ns; /* when it was first seen */
};

/* Has the child been in one hook for too long? CPU time, so that a busy machine is no fault. */
static bool is_stuck(struct watch *w, const struct check *c)
{
	uint32_t hook = __atomic_load_n(&c->progress.in_hook, __ATOMIC_ACQUIRE);
	uint64_t batch = __atomic_load_n(&c->progress.batch, __ATOMIC_ACQUIRE);
	uint64_t cpu_ns = clock_ns(w->cpu_clock), wall_ns = clock_ns(CLOCK_MONOTONIC);
	uint64_t limit_ms = hook == HOOK_LOAD ? 2 * LOAD_LIMIT_MS : HOOK_LIMIT_MS;

	if (hook == HOOK_NONE || batch != w->batch || !w->wall_ns) {
		w->batch = batch;
		w->cpu_ns = cpu_ns;
		w->wall_ns = wall_ns;
		return false;
	}
	return cpu_ns - w->cpu_ns > limit_ms * 1000000u ||
	       wall_ns - w->wall_ns > WALL_LIMIT_MS * 1000000ull;
}

static void describe_stuck(struct check *c, const char *path)
{
	uint32_t hook = c->progress.in_hook < NR_HOOKS ? c->progress.in_hook : HOOK_NONE;

	if (hook == HOOK_LOAD)
		snprintf(c->fatal, POLICY_ERROR_LEN, "%s: loading did not end within %d ms", path,
			 2 * LOAD_LIMIT_MS);
	else
		snprintf(c->fatal, POLICY_ERROR_LEN, "%s: %s() did not return within %d ms",
			 c->where[hook][0] ? c->where[hook] : path, engine_hook_name[hook],
			 HOOK_LIMIT_MS);
}

static void describe_crash(struct check *c, const char *path)
{
	uint32_t hook = c->progress.in_hook < NR_HOOKS ? c->progress.in_hook : HOOK_NONE;
	const char *where = c->where[hook][0] ? c->where[hook] : path;

	if (c->ran_out)
		snprintf(c->fatal, POLICY_ERROR_LEN,
			 "%s: %s(): not enough memory: the policy has used up its arena, and "
			 "LuaJIT crashed on that",
			 where, engine_hook_name[hook]);
	else
		snprintf(c->fatal, POLICY_ERROR_LEN, "%s: %s() crashed: %s", where,
			 engine_hook_name[hook], c->crashed ? strsignal(c->crashed) : "it ended");
}

static void supervise(struct check *c, pid_t pid, const char *path)
{
	struct watch w = { .pid = pid };
	int status;

	if (clock_getcpuclockid(pid, &w.cpu_clock))
		w.cpu_clock = CLOCK_MONOTONIC;
	while (!waitpid(pid, &status, WNOHANG)) {
		if (is_stuck(&w, c)) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			describe_stuck(c, path);
			return;
		}
		usleep(POLL_MS * 1000);
	}
	if (!c->is_done)
		describe_crash(c, path);
}

static void run_once(struct check *c, struct script *script, const struct lua_option *opts,
		     size_t nr, bool watch)
{
	pid_t pid;

	memset(c, 0, sizeof(*c));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		run_child(c, script, opts, nr, watch);
		script_free(script);
		exit(0);
	}
	if (pid < 0)
		snprintf(c->fatal, POLICY_ERROR_LEN, "cannot start a process: %s", strerror(errno));
	else
		supervise(c, pid, script->path);
}

/* LuaJIT of 2022 can crash while it reports a trace abort; without reports it does not. */
static void run_all(struct check *c, struct script *script, const struct lua_option *opts,
		    size_t nr)
{
	run_once(c, script, opts, nr, true);
	if (!c->crashed || c->ran_out)
		return;
	run_once(c, script, opts, nr, false);
	if (!c->fatal[0])
		snprintf(c->warning, POLICY_ERROR_LEN,
			 "LuaJIT crashed while trace aborts were recorded; they are not known");
}

/* ---- the parent: report ---- */

struct problem_row {
	size_t offset; /* of the counter in struct engine_stats */
	const char *text;
};

static const struct problem_row problem_rows[] = {
	{ offsetof(struct engine_stats, policy_errors), "hook calls raised an error" },
	{ offsetof(struct engine_stats, reject_unknown),
	  "decisions for something that is not a task" },
	{ offsetof(struct engine_stats, reject_twice),
	  "tasks dispatched twice, or while not waiting for a decision" },
	{ offsetof(struct engine_stats, bad_cpu), "decisions with an impossible cpu" },
	{ offsetof(struct engine_stats, bad_slice), "decisions with an impossible slice_ns" },
	{ offsetof(struct engine_stats, bad_vtime), "decisions with an impossible vtime" },
	{ offsetof(struct engine_stats, bad_flags), "decisions with unknown flags" },
};

/* One line per problem to `say`; returns how many. */
static int each_problem(const struct check *c, void (*say)(const char *line, void *arg), void *arg)
{
	char line[POLICY_ERROR_LEN];
	int nr = 0;

	if (c->fatal[0] && ++nr)
		say(c->fatal, arg);
	if (c->hook_error[0] && ++nr)
		say(c->hook_error, arg);
	for (size_t i = 0; i < sizeof(problem_rows) / sizeof(problem_rows[0]); i++) {
		const char *at = (const char *)&c->stats + problem_rows[i].offset;
		uint64_t value;

		memcpy(&value, at, sizeof(value));
		if (!value)
			continue;
		snprintf(line, sizeof(line), "%llu %s", (unsigned long long)value,
			 problem_rows[i].text);
		say(line, arg);
		nr++;
	}
	return nr;
}

/* The same for what is measured rather than counted. */
static int each_measure(const struct check *c, void (*say)(const char *line, void *arg), void *arg)
{
	char line[POLICY_ERROR_LEN];
	int nr = 0;

	if (c->never && ++nr) {
		snprintf(line, sizeof(line), "%llu of %llu tasks were never dispatched",
			 (unsigned long long)c->never, (unsigned long long)c->stats.received);
		say(line, arg);
	}
	if (c->bytes_per_task > noise_bytes && ++nr) {
		snprintf(line, sizeof(line),
			 "%.1f bytes allocated per task: a table, string, closure or boxed number "
			 "made in a hook",
			 c->bytes_per_task);
		say(line, arg);
	}
	for (uint32_t i = 0; i < c->nr_aborts && ++nr; i++) {
		snprintf(line, sizeof(line), "%s (not compiled, %u times)", c->abort[i].text,
			 c->abort[i].times);
		say(line, arg);
	}
	return nr;
}

static void say_nothing(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

static void say_text(const char *line, void *arg)
{
	fprintf(arg, "  %s\n", line);
}

static void say_json(const char *line, void *arg)
{
	json_array_append_new(arg, json_string(line));
}

static double ns_per_task(const struct check *c)
{
	return c->stats.received ? (double)c->engine_ns / (double)c->stats.received : 0;
}

static void print_text(const struct check *c, const struct script *s, int problems)
{
	if (problems)
		printf("%s: %d problem%s\n", s->path, problems, problems == 1 ? "" : "s");
	else
		printf("%s: ok\n", s->path);
	each_problem(c, say_text, stdout);
	each_measure(c, say_text, stdout);
	if (c->warning[0])
		printf("  note: %s\n", c->warning);
	if (!c->fatal[0])
		printf("  policy %s: %llu tasks in %llu batches, %.0f ns per task, %.2f bytes "
		       "allocated per task\n",
		       c->name, (unsigned long long)c->stats.received,
		       (unsigned long long)c->stats.batches, ns_per_task(c), c->bytes_per_task);
}

static json_t *counters_json(const struct engine_stats *stats)
{
	json_t *o = json_object();

#define PUT_COUNTER(name, help)                                                                    \
	json_object_set_new(o, #name, json_integer((json_int_t)stats->name));
	ENGINE_COUNTERS(PUT_COUNTER)
#undef PUT_COUNTER
	return o;
}

static int print_json(const struct check *c, const struct script *s, int status, const char *file)
{
	json_t *problems = json_array(), *o;
	char hash[17];
	int err;

	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)s->hash);
	each_problem(c, say_json, problems);
	each_measure(c, say_json, problems);
	o = json_pack("{s:s, s:s, s:s, s:i, s:o, s:s, s:f, s:f, s:I, s:o}", "policy", c->name,
		      "path", s->path, "hash", hash, "status", status, "problems", problems, "note",
		      c->warning, "ns_per_task", ns_per_task(c), "bytes_per_task",
		      c->bytes_per_task, "never_dispatched", (json_int_t)c->never, "engine",
		      counters_json(&c->stats));
	if (!o)
		return -ENOMEM;
	if (!strcmp(file, "-"))
		err = json_dumpf(o, stdout, JSON_COMPACT) || putchar('\n') == EOF;
	else
		err = json_dump_file(o, file, JSON_COMPACT);
	json_decref(o);
	return err ? -EIO : 0;
}

static int report(const struct check *c, const struct script *s, const struct check_args *args)
{
	int problems = each_problem(c, say_nothing, NULL) + each_measure(c, say_nothing, NULL);
	int status = c->fatal[0] ? 2 : problems ? 1 : 0;

	if (!args->json) {
		print_text(c, s, problems);
	} else if (print_json(c, s, status, args->json)) {
		fprintf(stderr, "scxlua: cannot write %s\n", args->json);
		return 1;
	}
	return status;
}

int check_run(const char *path, const struct lua_option *opts, size_t nr,
	      const struct check_args *args)
{
	struct check *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct script unread = { .path = (char *)(uintptr_t)path };
	struct script *script = NULL;
	int status;

	if (c == MAP_FAILED) {
		fprintf(stderr, "scxlua: no memory to check %s\n", path);
		return 2;
	}
	if (!script_read(&script, path, c->fatal))
		run_all(c, script, opts, nr);
	status = report(c, script ? script : &unread, args);
	script_free(script);
	munmap(c, sizeof(*c));
	return status;
}
