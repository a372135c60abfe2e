// SPDX-License-Identifier: GPL-2.0-only
/* check.c - see check.h. Here is the parent: it starts the child and watches it. */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_state.h"

enum {
	HOOK_LIMIT_MS = 1000,
	WALL_LIMIT_MS = 20000, /* of one hook: it may sleep in a C function */
	POLL_MS = 5,
};

uint64_t check_clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

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
	uint64_t cpu_ns = check_clock_ns(w->cpu_clock), wall_ns = check_clock_ns(CLOCK_MONOTONIC);
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
		check_trial(c, script, opts, nr, watch);
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
	status = check_report(c, script ? script : &unread, args);
	script_free(script);
	munmap(c, sizeof(*c));
	return status;
}
