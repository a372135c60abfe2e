// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "warmup.h"

#ifndef SCHED_EXT
#define SCHED_EXT 7
#endif

enum {
	FIGURES_EVERY = 16, /* idle cycles: asking for page faults costs a system call */
	UNSEEN_TURNS = 16,
	WORKER_NICE = -15,
	SPARE_BYTES = 128 << 20,
	BYTES_PER_TASK = 1024,
	/*
	 * Touched before locking: it cannot grow later, as user nobody may lock no more. Some 50 calls
	 * of string.gsub(), the largest, in each other; LuaJIT has no bound, and would use up any stack.
	 */
	STACK_BYTES = 512 * 1024,
};

/* A counter that is full, as a policy can make it, wakes the supervisor all the same. */
static void wake_supervisor(const struct worker_args *args)
{
	uint64_t one = 1;

	if (write(args->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		_exit(EXIT_FAILURE); /* the supervisor is gone */
}

static void set_state(const struct worker_args *args, enum worker_state state)
{
	__atomic_store_n(&args->shm->state, state, __ATOMIC_RELEASE);
	wake_supervisor(args);
}

_Noreturn static void give_up(const struct worker_args *args, const char *error)
{
	snprintf(args->shm->error, sizeof(args->shm->error), "%s", error);
	set_state(args, WORKER_FAILED);
	_exit(EXIT_FAILURE);
}

/* Ctrl-C in a terminal goes to the whole group; ending us is the supervisor's business. */
static void set_signals(void)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0); /* writing a core of all that is locked would take seconds */
	prctl(PR_SET_NAME, "scxlua-worker");
}

/*
 * Ours even in partial mode, and not real-time even if the supervisor is: in another class the
 * worker's yielding would be a busy loop. The priority is for loading under load; the active
 * worker is picked because it is the worker. Best effort: without either it works, but worse.
 */
static void set_class(void)
{
	struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_EXT, &param);
	setpriority(PRIO_PROCESS, 0, WORKER_NICE);
}

/*
 * The wall around the script; see sandbox.h. What it adds to its memory while it loads is its
 * Lua heap, the queues it makes, a few tasks per CPU for each thread it may know, and the warm-up.
 */
static int confine(const struct worker_args *args, char *error)
{
	struct sandbox sandbox = {
		.read_fd = args->go_fd,
		.write_fd = args->wake_fd,
		.memory_bytes = args->arena_bytes + SPARE_BYTES +
				(size_t)table_cap(args->table) * BYTES_PER_TASK,
		.refused = &args->shm->refused,
		.parent = args->supervisor,
	};
	int err;

	if (args->is_trusted)
		return 0;
	err = kernel_confine(args->kernel);
	if (!err)
		return sandbox_enter(&sandbox, error);
	snprintf(error, POLICY_ERROR_LEN, "the worker could not map BPF's memory read-only: %s",
		 strerror(-err));
	return -1;
}

/* Grows the stack to what it will need, so that locking finds it there. */
static void __attribute__((noinline)) touch_stack(void)
{
	volatile char stack[STACK_BYTES];
	size_t i;

	for (i = 0; i < sizeof(stack); i += 4096)
		stack[i] = 0;
}

/*
 * From here on no page of ours is paged out, merged, or faulted in for the first time. Must come
 * before the warm-up, too: the JIT makes its code area writable to add to it, at which the
 * kernel populates a locked area as a whole; 253 faults if the first time is after attach.
 */
static int lock_memory(void)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	touch_stack();
	return mlockall(MCL_CURRENT | MCL_FUTURE);
}

static uint64_t page_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

static struct lua_policy *load_policy(const struct worker_args *args, struct engine *engine)
{
	struct lua_host host = {
		.engine = engine,
		.cpus = kernel_cpus(args->kernel),
		.nr_cpus = kernel_nr_cpus(args->kernel),
		.max_tasks = table_cap(args->table),
		.options = args->options,
		.nr_options = args->nr_options,
		.library = args->library,
		.arena_bytes = args->arena_bytes,
		.load_ns = args->load_ns,
	};
	char error[POLICY_ERROR_LEN];
	struct lua_policy *lp;
	int hook;

	snprintf(args->shm->where[HOOK_LOAD], WHERE_LEN, "%s", args->script->path);
	if (lua_policy_new(&lp, args->script, &host, error))
		give_up(args, error);
	for (hook = 0; hook < NR_HOOKS; hook++)
		snprintf(args->shm->where[hook], WHERE_LEN, "%s", lua_policy_where(lp, hook));
	snprintf(args->shm->name, sizeof(args->shm->name), "%s", lua_policy_name(lp));
	args->shm->builtin_idle = lua_policy_builtin_idle(lp);
	if (policy_warm_up(lp, &host, error))
		give_up(args, error);
	lua_policy_collect(lp);
	return lp;
}

/* Threads whose exit record was lost: the supervisor has found out which. */
static void take_dead(struct engine *engine, struct worker_shm *shm)
{
	uint32_t i, n = __atomic_load_n(&shm->nr_dead, __ATOMIC_ACQUIRE);

	for (i = 0; i < n && i < WORKER_DEAD_MAX; i++)
		engine_exit(engine, shm->dead[i]);
	if (n)
		__atomic_store_n(&shm->nr_dead, 0, __ATOMIC_RELEASE);
}

/* An option that is set at run time: memory of the Lua state, no code of the policy. */
static void take_setting(struct lua_policy *lp, const struct worker_args *args)
{
	struct worker_shm *shm = args->shm;

	if (__atomic_load_n(&shm->setting.state, __ATOMIC_ACQUIRE) != SETTING_ASKED)
		return;
	shm->setting.error[0] = '\0';
	if (lua_policy_set(lp, shm->setting.key, shm->setting.value))
		memcpy(shm->setting.error, lua_policy_ops(lp)->error, sizeof(shm->setting.error));
	__atomic_store_n(&shm->setting.state, SETTING_ANSWERED, __ATOMIC_RELEASE);
	wake_supervisor(args);
}

/* For the watchdog: the script runs outside of the engine. */
static void in_hook(struct worker_shm *shm, enum engine_hook hook)
{
	__atomic_store_n(&shm->progress.batch, shm->progress.batch + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&shm->progress.in_hook, hook, __ATOMIC_RELEASE);
}

/* What stats() says, for people to see. */
static void fill_stats(struct lua_policy *lp, struct worker_shm *shm)
{
	in_hook(shm, HOOK_STATS);
	if (lua_policy_stats(lp, &shm->policy_stats))
		shm->stats.policy_errors++;
	in_hook(shm, HOOK_NONE);
}

static void answer_stats(struct lua_policy *lp, struct worker_shm *shm)
{
	uint32_t wanted = __atomic_load_n(&shm->stats_wanted, __ATOMIC_ACQUIRE);

	if (wanted == shm->stats_done)
		return;
	fill_stats(lp, shm);
	__atomic_store_n(&shm->stats_done, wanted, __ATOMIC_RELEASE);
}

/* What export() says, for the successor; too much of it is an error like one of the script. */
static void hand_over(struct lua_policy *lp, struct worker_shm *shm)
{
	char *text = NULL;
	size_t len = 0;

	shm->state_len = 0;
	in_hook(shm, HOOK_EXPORT);
	if (lua_policy_export(lp, &text, &len) || len > sizeof(shm->state_text)) {
		shm->stats.policy_errors++;
	} else if (text) {
		memcpy(shm->state_text, text, len);
		shm->state_len = (uint32_t)len;
	}
	in_hook(shm, HOOK_NONE);
	free(text);
}

static void take_over(struct lua_policy *lp, struct worker_shm *shm)
{
	if (!shm->state_len)
		return;
	in_hook(shm, HOOK_IMPORT);
	if (lua_policy_import(lp, shm->state_text, shm->state_len))
		shm->stats.policy_errors++;
	in_hook(shm, HOOK_NONE);
}

/*
 * Gives the CPU away until there is work. BPF sees to that while we are attached; after an
 * ejection, or when the supervisor was killed, the worker is in the fair class, where yielding is
 * a busy loop. It can tell by turns that do not show in BPF: then it sleeps.
 */
static void give_way(const struct kernel *kernel, bool had_work)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	static uint64_t turn;
	static uint32_t unseen;
	uint64_t now;

	sched_yield();
	now = kernel_worker_turn(kernel);
	unseen = had_work || now != turn ? 0 : unseen + 1;
	turn = now;
	if (unseen >= UNSEEN_TURNS)
		nanosleep(&pause, NULL);
}

static void run(struct engine *engine, struct policy *policy, struct lua_policy *lp,
		const struct worker_args *args)
{
	struct worker_shm *shm = args->shm;
	uint64_t errors = 0, faults = page_faults();
	uint32_t idle = 0, handled;

	while (!__atomic_load_n(&shm->retire, __ATOMIC_ACQUIRE)) {
		handled = engine_cycle(engine);
		if (!handled) {
			engine_idle(engine);
			if (++idle % FIGURES_EVERY == 0)
				shm->page_faults = page_faults() - faults;
			shm->lua_bytes = lua_policy_bytes(lp);
		}
		if (shm->stats.policy_errors != errors) {
			errors = shm->stats.policy_errors;
			memcpy(shm->error, policy->error, sizeof(shm->error));
		}
		take_dead(engine, shm);
		answer_stats(lp, shm);
		take_setting(lp, args);
		give_way(args->kernel, handled);
	}
	shm->page_faults = page_faults() - faults;
}

_Noreturn void worker_main(const struct worker_args *args)
{
	struct engine_view view = {
		.cpus = kernel_cpus(args->kernel),
		.nr_cpus = kernel_nr_cpus(args->kernel),
		.control = kernel_control(args->kernel),
	};
	char error[POLICY_ERROR_LEN];
	struct lua_policy *lp;
	struct engine *engine;
	uint64_t go;

	set_signals();
	log_take_stderr();
	if (getppid() != args->supervisor)
		_exit(EXIT_FAILURE); /* it died before we could ask to die with it */
	set_class();
	if (kernel_op(args->kernel, SCXLUA_OP_OWN, args->slot, 0, 0) < 0)
		give_up(args, "the worker could not make itself known to the BPF side");
	if (lock_memory())
		give_up(args, "the worker could not lock its memory; is RLIMIT_MEMLOCK too low?");
	engine = engine_new(&args->engine, &view, kernel_ring(args->kernel),
			    kernel_uring(args->kernel), args->table, &args->shm->stats);
	if (!engine)
		give_up(args, "out of memory");
	engine_set_progress(engine, &args->shm->progress);
	if (confine(args, error))
		give_up(args, error);
	lp = load_policy(args, engine);
	engine_set_policy(engine, lua_policy_ops(lp));
	memset(&args->shm->stats, 0, sizeof(args->shm->stats));
	set_state(args, WORKER_READY);
	if (read(args->go_fd, &go, sizeof(go)) != sizeof(go))
		_exit(EXIT_FAILURE);
	ring_attach(kernel_ring(args->kernel));
	uring_attach(kernel_uring(args->kernel));
	__atomic_store_n(&args->shm->state, WORKER_ACTIVE, __ATOMIC_RELEASE);
	take_over(lp, args->shm);
	engine_tell_cpus(engine);
	if (args->shm->adopt)
		engine_adopt(engine);
	run(engine, lua_policy_ops(lp), lp, args);
	fill_stats(lp, args->shm);
	hand_over(lp, args->shm);
	set_state(args, WORKER_RETIRED);
	_exit(EXIT_SUCCESS);
}
