// SPDX-License-Identifier: GPL-2.0-only
/* check_trial.c - the child of the check: loads the policy, sets up what it runs on, runs it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check_state.h"
#include "warmup.h"

enum { ARENA_BYTES = 256 << 20 };

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

static void keep_abort(const struct lua_abort_row *row, void *arg)
{
	struct check *c = arg;
	struct abort_line *to = &c->abort[c->nr_aborts];

	if (is_transient(row->line) || c->nr_aborts == MAX_ABORTS)
		return;
	snprintf(to->text, sizeof(to->text), "%s", row->line);
	to->times = row->times;
	c->nr_aborts++;
}
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
	check_workloads(t);
	if (watch)
		lua_policy_trace_aborts(t->lp, keep_abort, t->c);
}

void check_trial(struct check *c, struct script *script, const struct lua_option *opts, size_t nr,
		 bool watch)
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
