// SPDX-License-Identifier: GPL-2.0-only
/*
 * check_trial.c - see check_trial.h.
 *
 * Time: while the probe looks, it is made up (synth.h), so that everything comes out the same
 * every time. In timed rounds it is the real one, moved to where the made-up time was, because
 * reading the clock is part of what a policy costs.
 */
#include "check_trial.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check_probe.h"
#include "sandbox.h"
#include "warmup.h"

enum {
	ARENA_BYTES = 256 << 20,
	SPACE_BYTES = 4 * ARENA_BYTES, /* of address space: two Lua states at once, and the rest */
	QUIET_CYCLES = 4096,	       /* after which what is held is not going to be dispatched */
	QUIET_STEPS = 3,	       /* of time in which nothing happened: nothing will */
	MAX_STEPS = 10000,
	STEP_NS = 10 * 1000 * 1000, /* or the time between two ticks */
	ALL_CPUS_BUSY = 1 << 20,
};

/* clang-format off */
const char *const check_hook_key[NR_AT] = {
	[AT_NONE] = "",
	[AT_ENQUEUE] = "enqueue",
	[AT_DISPATCH] = "dispatch",
	[AT_EXIT_TASK] = "exit_task",
	[AT_CPU_ONLINE] = "cpu_online",
	[AT_CPU_OFFLINE] = "cpu_offline",
	[AT_TICK] = "tick",
	[AT_STATS] = "stats",
	[AT_EXPORT] = "export",
	[AT_IMPORT] = "import",
};
/* clang-format on */

/* The trial whose policy is running: for the clock and the crash handler, which take no argument. */
static struct trial *running;
static uint64_t shift_ns; /* of the real time, in timed rounds */

static uint64_t trial_clock(void)
{
	return running->is_timed ? probe_clock() + shift_ns : *synth_clock(running->synth);
}

/* What the engine does for the hooks that it calls: the parent must see a call that hangs. */
void trial_begin_cold(struct trial *t, enum engine_hook hook)
{
	struct engine_progress *p = &t->c->progress;

	__atomic_store_n(&p->batch, p->batch + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&p->in_hook, (uint32_t)hook, __ATOMIC_RELEASE);
}

void trial_end_cold(struct trial *t)
{
	__atomic_store_n(&t->c->progress.in_hook, (uint32_t)HOOK_NONE, __ATOMIC_RELEASE);
}

/* ---- one trial ---- */

static int make_engine(struct trial *t)
{
	static const struct engine_config cfg = { .slice_ns = 5000000,
						  .max_slice_ns = 100000000,
						  .min_slice_ns = ENGINE_MIN_SLICE_NS };
	const struct engine_view view = { .cpus = synth_cpus(t->synth),
					  .nr_cpus = TRIAL_CPUS,
					  .control = synth_control(t->synth) };

	t->engine = engine_new(&cfg, &view, synth_ring(t->synth), synth_uring(t->synth), t->table,
			       &t->c->stats);
	if (!t->engine)
		return -ENOMEM;
	engine_set_progress(t->engine, &t->c->progress);
	return 0;
}

int trial_open(struct trial *t, uint32_t nr_threads)
{
	t->synth = synth_new(nr_threads, TRIAL_CPUS, 1);
	t->table = table_new(2 * nr_threads, TRIAL_CPUS);
	return t->synth && t->table ? 0 : -ENOMEM;
}

void trial_close(struct trial *t)
{
	lua_policy_free(t->lp);
	probe_free(t->probe);
	engine_free(t->engine);
	table_free(t->table);
	synth_free(t->synth);
}

static void keep_facts(struct trial *t)
{
	struct check *c = t->c;

	snprintf(c->name, sizeof(c->name), "%s", lua_policy_name(t->lp));
	if (lua_policy_warning(t->lp))
		snprintf(c->warning, POLICY_ERROR_LEN, "%s", lua_policy_warning(t->lp));
	for (int i = 0; i < NR_HOOKS; i++)
		snprintf(c->where[i], WHERE_BYTES, "%s",
			 lua_policy_where(t->lp, (enum engine_hook)i));
	for (int i = 0; i < NR_AT; i++)
		snprintf(c->where_at[i], WHERE_BYTES, "%s",
			 lua_policy_where_key(t->lp, check_hook_key[i]));
}

static struct lua_host make_host(const struct trial *t)
{
	return (struct lua_host){
		.engine = t->engine,
		.cpus = synth_cpus(t->synth),
		.nr_cpus = TRIAL_CPUS,
		.max_tasks = TRIAL_THREADS,
		.options = t->job->options,
		.nr_options = t->job->nr_options,
		.library = t->job->library,
		.arena_bytes = ARENA_BYTES,
		.load_ns = POLICY_LOAD_LIMIT_MS * 1000000ull,
		.mark_lines = t->marks_lines,
	};
}

/* Loading is a hook to the parent, with a limit of its own. */
static int load(struct trial *t)
{
	const struct lua_host host = make_host(t);
	int err;

	trial_begin_cold(t, HOOK_LOAD);
	err = lua_policy_new(&t->lp, t->job->script, &host, t->c->fatal);
	trial_end_cold(t);
	return err;
}

int trial_load(struct trial *t)
{
	running = t;
	engine_set_clock(trial_clock);
	if (make_engine(t)) {
		snprintf(t->c->fatal, POLICY_ERROR_LEN, "no memory for the check");
		return -1;
	}
	if (load(t))
		return -1;
	keep_facts(t);
	t->probe = probe_new(t);
	if (t->probe)
		return 0;
	snprintf(t->c->fatal, POLICY_ERROR_LEN, "no memory for the check");
	return -1;
}

void trial_attach(struct trial *t)
{
	engine_set_policy(t->engine, probe_policy(t->probe));
}

void trial_error(struct trial *t, enum check_hook at)
{
	if (!t->c->error[at][0])
		snprintf(t->c->error[at], POLICY_ERROR_LEN, "%s", lua_policy_ops(t->lp)->error);
	trial_found(t, FOUND_ERROR, at, 1);
}

/* ---- what workloads are made of ---- */

void trial_cycle(struct trial *t)
{
	uint64_t begin;

	if (!t->is_timed) {
		engine_cycle(t->engine);
		return;
	}
	begin = probe_clock();
	engine_cycle(t->engine);
	check_cycle_took(t, probe_clock() - begin);
}

void trial_step(struct trial *t, uint64_t ns)
{
	if (t->is_timed)
		shift_ns += ns;
	else
		synth_step(t->synth, ns);
}

/* Until a cycle brings nothing; has the policy given anything? */
static bool settle(struct trial *t)
{
	uint64_t before = t->c->stats.committed, committed;

	for (int i = 0; i < QUIET_CYCLES; i++) {
		committed = t->c->stats.committed;
		trial_cycle(t);
		if (!synth_drain(t->synth) && t->c->stats.committed == committed)
			break;
	}
	return t->c->stats.committed != before;
}

void trial_quiet(struct trial *t)
{
	const struct policy_ops *ops = lua_policy_ops(t->lp)->ops;
	uint64_t step_ns = ops->tick && ops->tick_ns > STEP_NS ? ops->tick_ns : STEP_NS;
	uint32_t left;

	for (int i = 0, nothing = 0; i < MAX_STEPS && nothing < QUIET_STEPS; i++) {
		nothing = settle(t) ? 0 : nothing + 1;
		trial_step(t, step_ns);
	}
	left = synth_age(t->synth);
	t->c->figures[t->load].never += left;
	trial_found(t, FOUND_NEVER, AT_ENQUEUE, left);
	trial_cycle(t);
}

void trial_fill(struct trial *t, bool full)
{
	synth_control(t->synth)->shared_depth = full ? ALL_CPUS_BUSY : 0;
}

void trial_batch(struct trial *t, uint32_t n)
{
	synth_enqueue(t->synth, n);
	trial_cycle(t);
	trial_cycle(t);
	synth_drain(t->synth);
}

void trial_end_threads(struct trial *t, uint32_t nr_threads)
{
	for (uint32_t i = 0; i < nr_threads; i++)
		synth_exit(t->synth, i);
	trial_quiet(t);
}

/* The other clock, without a step back. */
void trial_time(struct trial *t, bool is_timed)
{
	if (is_timed) {
		shift_ns = *synth_clock(t->synth) - probe_clock();
		t->is_timed = true;
		synth_follow(t->synth, scx_now_ns);
	} else {
		synth_follow(t->synth, NULL);
		t->is_timed = false;
		synth_step(t->synth, STEP_NS);
	}
}

/* ---- the order of things ---- */

void check_stats(struct trial *t)
{
	char *detail = t->c->detail[FOUND_BAD_STATS];
	struct policy_stats stats;
	int err;

	trial_begin_cold(t, HOOK_STATS);
	err = lua_policy_stats(t->lp, &stats);
	trial_end_cold(t);
	if (err) {
		trial_error(t, AT_STATS);
		return;
	}
	if (stats.refused) {
		trial_found(t, FOUND_BAD_STATS, AT_STATS, 1);
		snprintf(detail, POLICY_ERROR_LEN, "%u entries of t are left out or cut",
			 stats.refused);
	}
	for (uint32_t i = 0; i < stats.nr; i++) {
		if (isfinite(stats.stat[i].value))
			continue;
		trial_found(t, FOUND_BAD_STATS, AT_STATS, 1);
		snprintf(detail, POLICY_ERROR_LEN, "%s is no finite number", stats.stat[i].key);
	}
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
		"symbol not in cache", /* of a C function that was not called so far */
		"blacklisted", /* after others: NYI is told, and interpreting shows in bytes */
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strstr(line, reasons[i]))
			return true;
	return false;
}

/* AT_NONE if it is none of the hot ones: what runs now and then need not be compiled. */
static enum check_hook hot_hook(const char *key)
{
	for (int at = AT_ENQUEUE; at <= AT_EXIT_TASK; at++)
		if (!strcmp(key, check_hook_key[at]))
			return (enum check_hook)at;
	return AT_NONE;
}

static void keep_abort(const struct lua_abort_row *row, void *arg)
{
	struct check *c = arg;
	enum check_hook at = hot_hook(row->hook);
	struct check_abort *to = &c->abort[c->nr_aborts];

	if (is_transient(row->line) || at == AT_NONE || c->nr_aborts == MAX_ABORTS)
		return;
	snprintf(to->line, sizeof(to->line), "%s", row->line);
	to->at = at;
	to->times = row->times;
	c->nr_aborts++;
}

static void try_workloads(struct trial *t, bool watch)
{
	trial_attach(t);
	for (int load = LOAD_BURST; load <= LOAD_HOTPLUG; load++) {
		t->load = (enum check_load)load;
		check_rounds(t);
	}
	if (watch) {
		lua_policy_trace_aborts(t->lp, keep_abort, t->c);
		lua_policy_unwatch_traces(t->lp);
	}
	lua_policy_mute(); /* what it logs as it loads has been seen */
	t->load = LOAD_RELOAD;
	check_reload(t);
}

/* The policy, warmed up as a worker does it; 0, or -1 and c->fatal. */
static int warm_up(struct trial *t, bool watch)
{
	const struct lua_host host = make_host(t);

	if (watch && lua_policy_watch_traces(t->lp))
		snprintf(t->c->warning, POLICY_ERROR_LEN, "%s", lua_policy_ops(t->lp)->error);
	if (policy_warm_up(t->lp, &host, t->c->fatal))
		return -1;
	synth_step(t->synth, STEP_NS); /* what the warm-up has seen is past */
	return 0;
}

/* ---- the child ---- */

static void on_crash(int signal)
{
	running->c->crashed = signal;
	running->c->ran_out = running->lp && lua_policy_ran_out(running->lp);
	_exit(1);
}

static void catch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	static uint8_t stack[64 << 10];
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct rlimit no_core = { 0, 0 };
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };

	setrlimit(RLIMIT_CORE, &no_core);
	sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

/* Ready for what the script may do; 0, or -1 and c->fatal. */
static int prepare(struct trial *t)
{
	const struct sandbox sandbox = {
		.read_fd = -1,
		.write_fd = -1,
		.memory_bytes = SPACE_BYTES,
		.refused = &t->c->refused,
		.parent = t->job->parent,
	};

	running = t;
	catch_crashes();
	lua_policy_prepare_traces();
	if (t->job->no_sandbox || SANDBOX_HAS_SANITIZER)
		return 0;
	return sandbox_enter(&sandbox, t->c->fatal);
}

static void try_script(struct trial *t, bool watch)
{
	if (trial_open(t, TRIAL_THREADS))
		snprintf(t->c->fatal, POLICY_ERROR_LEN, "no memory for the check");
	else if (!trial_load(t) && !warm_up(t, watch))
		try_workloads(t, watch);
	trial_close(t);
	if (!t->c->fatal[0])
		check_growth(t);
}

void check_trial(struct check *c, const struct check_job *job, bool watch)
{
	struct trial t = { .c = c, .job = job };

	if (!prepare(&t))
		try_script(&t, watch);
	c->is_done = true;
}

static bool has_wrong_decisions(const struct check *found, int load)
{
	for (int kind = FIRST_OF_DECISION; kind <= LAST_OF_DECISION; kind++)
		for (int at = 0; at < NR_AT; at++)
			if (found->found[kind][at][load])
				return true;
	return false;
}

/* Does every wrong decision have its line? */
static bool is_explained(const struct check *c, const struct check *found)
{
	for (int kind = FIRST_OF_DECISION; kind <= LAST_OF_DECISION; kind++)
		for (int at = 0; at < NR_AT; at++)
			for (int load = 0; load < NR_LOADS; load++)
				if (found->found[kind][at][load] && !c->line[kind][at])
					return false;
	return true;
}

void check_lines(struct check *c, const struct check_job *job, const struct check *found)
{
	struct trial t = { .c = c, .job = job, .marks_lines = true };

	lua_policy_mute();
	if (!prepare(&t) && !trial_open(&t, TRIAL_THREADS) && !trial_load(&t)) {
		lua_policy_interpret(t.lp);
		trial_attach(&t);
		for (int load = LOAD_BURST; load <= LOAD_HOTPLUG; load++) {
			t.load = (enum check_load)load;
			if (has_wrong_decisions(found, load) && !is_explained(c, found))
				check_loads[load].run(&t);
		}
	}
	trial_close(&t);
	c->is_done = true;
}
