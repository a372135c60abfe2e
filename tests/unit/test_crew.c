// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_crew.c - how the supervisor judges a worker: what has overrun, what the sandbox has ended,
 * what is merely ending. The worker is a child that does what the case says.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crew.h"
#include "sandbox.h"

enum { BUDGET_NS = 20 * 1000 * 1000, SPIN_NS = 60 * 1000 * 1000 };

static struct member crew[CREW_SLOTS];
static void (*work)(const struct worker_args *args);
static char message[CREW_MESSAGE_LEN];

_Noreturn void worker_main(const struct worker_args *args)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail */
	signal(SIGSEGV, SIG_DFL);	  /* cmocka catches these */
	signal(SIGSYS, SIG_DFL);
	work(args);
	_exit(0);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int set_up(void **state)
{
	(void)state;
	return crew_init(crew);
}

static int tear_down(void **state)
{
	(void)state;
	crew_fini(crew);
	return 0;
}

static struct member *start(int slot, void (*what)(const struct worker_args *args))
{
	work = what;
	assert_int_equal(member_start(&crew[slot], (struct worker_args){ 0 },
				      now_ns(CLOCK_MONOTONIC)),
			 0);
	return &crew[slot];
}

static int end_of(struct member *m)
{
	int status;

	assert_int_equal(waitpid(m->pid, &status, 0), m->pid);
	member_gone(m);
	return status;
}

static bool is_overrun(struct member *m)
{
	const struct crew_limits limits = { .budget_ns = BUDGET_NS,
					    .wall_ns = 1000ull * 1000000000,
					    .load_call_ns = 1000ull * 1000000000,
					    .load_ns = 1000ull * 1000000000,
					    .load_wall_ns = 1000ull * 1000000000 };

	message[0] = '\0';
	return member_overrun(m, &limits, now_ns(CLOCK_MONOTONIC), message);
}

/* ---- workers ---- */

static void enter_hook(const struct worker_args *args)
{
	snprintf(args->shm->where[HOOK_ENQUEUE], WHERE_LEN, "p.lua:7");
	args->shm->progress.batch = 1;
	args->shm->progress.in_hook = HOOK_ENQUEUE;
	__atomic_store_n(&args->shm->state, WORKER_ACTIVE, __ATOMIC_RELEASE);
}

static void loop(const struct worker_args *args)
{
	enter_hook(args);
	for (;;)
		;
}

/* Uses more than the budget, and ends there. */
static void end_late(const struct worker_args *args)
{
	uint64_t go;

	enter_hook(args);
	if (read(args->go_fd, &go, sizeof(go)) < 0)
		_exit(1);
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < SPIN_NS)
		;
}

static void be_refused(const struct worker_args *args)
{
	enter_hook(args);
	args->shm->refused = __NR_connect + 1;
	_exit(SANDBOX_REFUSED_STATUS);
}

static void be_refused_loading(const struct worker_args *args)
{
	snprintf(args->shm->where[HOOK_LOAD], WHERE_LEN, "p.lua");
	args->shm->refused = __NR_openat + 1;
	_exit(SANDBOX_REFUSED_STATUS);
}

/* Says that it was, but goes on, and ends otherwise. */
static void pretend_refusal(const struct worker_args *args)
{
	enter_hook(args);
	args->shm->refused = __NR_connect + 1;
}

static void end_with_that_status(const struct worker_args *args)
{
	enter_hook(args);
	_exit(SANDBOX_REFUSED_STATUS);
}

static void be_killed(const struct worker_args *args)
{
	enter_hook(args);
	raise(SIGSYS);
}

/* The memory of the worker in the other slot. */
static void touch_the_other(const struct worker_args *args)
{
	crew[args->slot == SCXLUA_OWN_WORKER0].shm->retire = 1;
}

/* ---- tests ---- */

static void an_endless_call_is_an_overrun(void **state)
{
	struct member *m = start(0, loop);

	(void)state;
	while (!is_overrun(m))
		usleep(1000);
	assert_non_null(strstr(message, "p.lua:7: enqueue(): has not returned after"));
	member_kill(m);
	assert_int_equal(WTERMSIG(end_of(m)), SIGKILL);
}

/*
 * The end of a worker takes the kernel a while, in which it is still in the hook as far as one
 * can see: it was taken for a call that does not return.
 */
static void an_ending_worker_is_none(void **state)
{
	struct member *m = start(0, end_late);
	siginfo_t info;

	(void)state;
	while (member_state(m) != WORKER_ACTIVE)
		usleep(1000);
	assert_false(is_overrun(m)); /* the call is seen to begin */
	member_go(m, false);
	assert_int_equal(waitid(P_PID, (id_t)m->pid, &info, WEXITED | WNOWAIT), 0);
	assert_false(is_overrun(m));
	assert_int_equal(end_of(m), 0);
}

/* In no hook as far as it says, and no heartbeat: only its CPU time tells. */
static void loop_in_silence(const struct worker_args *args)
{
	snprintf(args->shm->where[HOOK_LOAD], WHERE_LEN, "p.lua");
	__atomic_store_n(&args->shm->state, WORKER_ACTIVE, __ATOMIC_RELEASE);
	for (;;)
		;
}

static void a_silent_worker_is_found(void **state)
{
	const struct crew_limits limits = { .silent_ns = BUDGET_NS };
	struct member *m = start(0, loop_in_silence);
	uint64_t beat = 1;
	int i, rounds = (int)(BUDGET_NS / 1000000);

	(void)state;
	for (i = 0; i < rounds; i++) {
		assert_false(is_overrun(m));
		assert_false(member_silent(m, &limits, beat++, message)); /* as if it lived */
		usleep(2000);
	}
	for (i = 0; i < rounds; i++) {
		m->shm->progress.batch++;
		assert_false(member_silent(m, &limits, beat, message)); /* in many calls */
		usleep(2000);
	}
	assert_int_equal(kill(m->pid, SIGSTOP), 0);
	for (i = 0; i < rounds; i++) {
		assert_false(member_silent(m, &limits, beat, message)); /* or stopped */
		usleep(2000);
	}
	assert_int_equal(kill(m->pid, SIGCONT), 0);
	while (!member_silent(m, &limits, beat, message))
		usleep(1000);
	assert_non_null(strstr(message, "p.lua: the worker has given no sign of life in "));
	member_kill(m);
	assert_int_equal(WTERMSIG(end_of(m)), SIGKILL);
}

static bool breached(int slot, void (*what)(const struct worker_args *args))
{
	struct member *m = start(slot, what);
	int status;

	assert_int_equal(waitpid(m->pid, &status, 0), m->pid);
	member_gone(m);
	message[0] = '\0';
	return member_breached(m, status, message);
}

static void a_breach_is_named(void **state)
{
	(void)state;
	assert_true(breached(0, be_refused));
	assert_string_equal(message, "p.lua:7: enqueue(): the policy made the system call connect, "
				     "which a policy may not: worker ended");
	assert_true(breached(1, be_refused_loading));
	assert_string_equal(message, "p.lua: while loading: the policy made the system call "
				     "openat, which a policy may not: worker ended");
	assert_true(breached(0, be_killed));
	assert_non_null(strstr(message, "the system call (unknown: "));
}

static void other_ends_are_no_breach(void **state)
{
	(void)state;
	assert_false(breached(0, pretend_refusal));
	assert_false(breached(0, end_with_that_status));
}

static void the_other_worker_is_out_of_reach(void **state)
{
	int slot;

	(void)state;
	for (slot = 0; slot < CREW_SLOTS; slot++)
		assert_int_equal(WTERMSIG(end_of(start(slot, touch_the_other))), SIGSEGV);
	assert_int_equal(crew[0].shm->retire + crew[1].shm->retire, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endless_call_is_an_overrun),
		cmocka_unit_test(an_ending_worker_is_none),
		cmocka_unit_test(a_silent_worker_is_found),
		cmocka_unit_test(a_breach_is_named),
		cmocka_unit_test(other_ends_are_no_breach),
		cmocka_unit_test(the_other_worker_is_out_of_reach),
	};

	return cmocka_run_group_tests_name("crew", tests, set_up, tear_down);
}
