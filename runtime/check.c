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
#include <time.h>
#include <unistd.h>

#include "check_trial.h"
#include "library.h"
#include "sandbox.h"

enum {
	HOOK_LIMIT_MS = 1000,
	WALL_LIMIT_MS = 20000, /* of one hook: it may sleep in a C function */
	POLL_MS = 5,
};

static uint64_t clock_ns(clockid_t clock)
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
	uint64_t cpu_ns = clock_ns(w->cpu_clock), wall_ns = clock_ns(CLOCK_MONOTONIC);
	uint64_t limit_ms = hook == HOOK_LOAD ? 2 * POLICY_LOAD_LIMIT_MS : HOOK_LIMIT_MS;

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
			 2 * POLICY_LOAD_LIMIT_MS);
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

/* The sandbox ended it. */
static void describe_breach(struct check *c, const char *path)
{
	uint32_t hook = c->progress.in_hook < NR_HOOKS ? c->progress.in_hook : HOOK_NONE;
	bool loads = hook == HOOK_NONE || hook == HOOK_LOAD;

	snprintf(c->fatal, POLICY_ERROR_LEN,
		 "%s: %s%s: the policy made the system call %s, which a policy may not",
		 !loads && c->where[hook][0] ? c->where[hook] : path,
		 loads ? "while loading" : engine_hook_name[hook], loads ? "" : "()",
		 sandbox_call_name(c->refused));
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
	if (c->is_done)
		return;
	if (c->refused || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS))
		describe_breach(c, path);
	else
		describe_crash(c, path);
}

/* In a child of its own: a trial, or if `found` is given, what is wrong there line by line. */
static void run_child(struct check *c, const struct check_job *job, bool watch,
		      const struct check *found)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (found)
			check_lines(c, job, found);
		else
			check_trial(c, job, watch);
		script_free(job->script);
		library_free(job->library);
		exit(0);
	}
	if (pid < 0)
		snprintf(c->fatal, POLICY_ERROR_LEN, "cannot start a process: %s", strerror(errno));
	else
		supervise(c, pid, job->script->path);
}

/* Memory that a child's writes are seen in; NULL if there is none. */
static struct check *new_check(void)
{
	struct check *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return c == MAP_FAILED ? NULL : c;
}

static bool has_wrong_decisions(const struct check *c)
{
	for (int kind = FIRST_OF_DECISION; kind <= LAST_OF_DECISION; kind++)
		for (int at = 0; at < NR_AT; at++)
			for (int load = 0; load < NR_LOADS; load++)
				if (c->found[kind][at][load])
					return true;
	return false;
}

/* Lines are only an addition: that run may fail. */
static void find_lines(struct check *c, const struct check_job *job)
{
	struct check *lines = new_check();

	if (!lines)
		return;
	run_child(lines, job, false, c);
	memcpy(c->line, lines->line, sizeof(c->line));
	munmap(lines, sizeof(*lines));
}

/* LuaJIT of 2022 can crash while it reports a trace abort; without reports it does not. */
static void run_all(struct check *c, const struct check_job *job)
{
	run_child(c, job, true, NULL);
	if (c->crashed && !c->ran_out) {
		memset(c, 0, sizeof(*c));
		run_child(c, job, false, NULL);
		if (!c->fatal[0])
			snprintf(c->warning, POLICY_ERROR_LEN,
				 "LuaJIT crashed while trace aborts were recorded; they are not "
				 "known");
	}
	if (!c->fatal[0] && has_wrong_decisions(c))
		find_lines(c, job);
}

int check_run(const char *path, const struct lua_option *opts, size_t nr,
	      const struct check_args *args)
{
	struct check *c = new_check();
	struct script unread = { .path = (char *)(uintptr_t)path };
	struct check_job job = {
		.options = opts,
		.nr_options = nr,
		.parent = getpid(),
		.no_sandbox = args->no_sandbox,
	};
	int status;

	if (!c) {
		fprintf(stderr, "scxlua: no memory to check %s\n", path);
		return 2;
	}
	if (!script_read(&job.script, path, c->fatal) &&
	    !library_read(&job.library, lua_policy_libdir(), c->fatal))
		run_all(c, &job);
	status = check_report(c, job.script ? job.script : &unread, args);
	script_free(job.script);
	library_free(job.library);
	munmap(c, sizeof(*c));
	return status;
}
