// SPDX-License-Identifier: GPL-2.0-only
/*
 * watchdog.c - what the supervisor looks at in every tick: workers that overrun their limits, fail
 * all the time, decide nonsense or do not retire, and threads whose end nobody was told.
 */
#define _GNU_SOURCE
#include <stdio.h>

#include "log.h"
#include "supervisor_state.h"

enum {
	ERROR_WINDOW_TICKS =
		50, /* a script that fails in half of its calls for that long is lost */
	MIN_ERRORS = 10,
	SWEEP_SLOTS = 256,
	LOAD_LIMIT_S = 20,
	LOAD_WALL_S = 120,
};

/*
 * Decisions that were rejected, or had something replaced. One may have several flaws: of those
 * that are replaced the most frequent one counts, so this is never too many.
 */
static uint64_t bad_decisions(const struct engine_stats *stats)
{
	uint64_t most = stats->bad_cpu;

	most = stats->bad_slice > most ? stats->bad_slice : most;
	most = stats->bad_vtime > most ? stats->bad_vtime : most;
	most = stats->bad_flags > most ? stats->bad_flags : most;
	return most + stats->reject_unknown + stats->reject_twice;
}

/* A new script whose decisions are mostly impossible is given up; later they only count. */
static void watch_decisions(struct supervisor *s)
{
	const struct engine_stats *stats = &s->active->shm->stats;
	uint64_t bad = bad_decisions(stats), made = stats->committed - stats->defaulted +
						    stats->reject_unknown + stats->reject_twice;
	uint64_t new_bad = bad - s->bad_seen, new_made = made - s->decisions_seen;
	char why[CREW_MESSAGE_LEN];

	s->bad_seen = bad;
	s->decisions_seen = made;
	if (!s->fallback || new_bad < MIN_ERRORS || new_bad * 2 <= new_made)
		return;
	snprintf(why, sizeof(why),
		 "%s: %llu of %llu decisions in a second were impossible (JSON bad_*, reject_*)",
		 s->script->path, (unsigned long long)new_bad, (unsigned long long)new_made);
	active_lost(s, why);
}

/* A script that raises an error in call after call is as good as none. */
static void watch_errors(struct supervisor *s)
{
	const struct worker_shm *shm = s->active->shm;
	uint64_t errors = shm->stats.policy_errors - s->errors_seen;
	uint64_t calls = shm->progress.batch - s->calls_seen;
	char why[CREW_MESSAGE_LEN];

	if (errors && !s->error_said) {
		s->error_said = true;
		log_line("%.*s (further errors are counted, not logged)", POLICY_ERROR_LEN - 1,
			 shm->error);
	}
	if (++s->error_ticks < ERROR_WINDOW_TICKS)
		return;
	s->error_ticks = 0;
	s->errors_seen += errors;
	s->calls_seen += calls;
	if (errors < MIN_ERRORS || errors * 2 < calls) {
		watch_decisions(s);
		return;
	}
	snprintf(why, sizeof(why), "the policy fails all the time: %.*s", POLICY_ERROR_LEN - 1,
		 shm->error);
	active_lost(s, why);
}

/*
 * In a call, or out of it; or with an impossible position in the decision ring: the kernel would
 * skip what is not there, with interrupts off, in every ops.dispatch.
 */
static bool active_overrun(struct supervisor *s, const struct crew_limits *limits, uint64_t now,
			   char *why)
{
	struct member *m = s->active;

	if (member_overrun(m, limits, now, why) ||
	    member_silent(m, limits, kernel_control(s->kernel)->heartbeat_ns, why))
		return true;
	if (uring_is_sound(kernel_uring(s->kernel)))
		return false;
	snprintf(why, CREW_MESSAGE_LEN, "%s: the policy wrote into the decision ring",
		 s->script->path);
	return true;
}

static void watch_workers(struct supervisor *s, uint64_t now)
{
	struct crew_limits limits = {
		.budget_ns = s->opt->budget_ms * NSEC_PER_MSEC,
		/* Not sooner than what knows the call and its line. */
		.silent_ns = NSEC_PER_SEC + s->opt->budget_ms * NSEC_PER_MSEC,
		.wall_ns = 10 * NSEC_PER_SEC,
		.load_wall_ns = LOAD_WALL_S * NSEC_PER_SEC,
		.load_call_ns = NSEC_PER_SEC,
		.load_ns = LOAD_LIMIT_S * NSEC_PER_SEC,
	};
	char why[CREW_MESSAGE_LEN];

	if (s->loading && member_overrun(s->loading, &limits, now, why))
		loading_failed(s, why);
	if (s->active && !s->opt->fault_no_watchdog && active_overrun(s, &limits, now, why)) {
		s->report.worker_overruns++;
		active_lost(s, why);
	}
	if (s->active)
		watch_errors(s);
	if (s->fallback && now - s->activated_ns > GRACE_S * NSEC_PER_SEC)
		end_trial(s);
}

/* A worker that was told to retire and is stopped, or stuck, must not hold up a reload. */
static void watch_retiring(struct supervisor *s, uint64_t now)
{
	if (!s->active || !s->active->awaited || now - s->retire_ns < RETIRE_MS * NSEC_PER_MSEC)
		return;
	active_lost(s, "the old worker did not stop");
}

/*
 * Exit records that found the ring full: go through the table, a part at a time, ask BPF which
 * threads are still there, and tell the worker of the others.
 */
static void sweep_lost_exits(struct supervisor *s)
{
	uint32_t lost = kernel_control(s->kernel)->lost_exits, n = 0, i;
	struct worker_shm *shm;

	if (!s->active)
		return;
	shm = s->active->shm;
	if (lost != s->lost_exits && !s->sweeping) {
		s->lost_exits = lost;
		s->sweeping = true;
		s->sweep_pos = 0;
	}
	if (!s->sweeping || __atomic_load_n(&shm->nr_dead, __ATOMIC_ACQUIRE))
		return;
	for (i = 0; i < SWEEP_SLOTS; i++) {
		const struct scx_task *task = table_next(s->table, &s->sweep_pos);
		uint64_t cookie = task ? task->cookie_ : 0;

		if (!task) {
			s->sweeping = false;
			break;
		}
		/* pid 0: the worker is filling the slot right now. */
		if (cookie && task->pid &&
		    !kernel_op(s->kernel, SCXLUA_OP_ALIVE, 0, task->pid, cookie))
			shm->dead[n++] = cookie;
	}
	__atomic_store_n(&shm->nr_dead, n, __ATOMIC_RELEASE);
}

void watchdog_tick(struct supervisor *s, uint64_t now_ns)
{
	watch_workers(s, now_ns);
	watch_retiring(s, now_ns);
	sweep_lost_exits(s);
}
