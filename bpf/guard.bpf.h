/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.bpf.h - what keeps the machine running whatever the policy does.
 *
 * Age-out: a CPU with nothing else to do takes a task from the hold queues whose head is older
 * than the hold limit. Starvation guard: a task that has not run for the starve limit, wherever
 * it waits, is moved to the starved queue, which is served before the others with a bounded
 * share. Both hang on a timer as well, because a CPU may be idle, or busy with one long slice,
 * or offline. The timer's work per tick is bounded; what it does not reach it reaches later.
 */
#ifndef SCXLUA_GUARD_BPF_H
#define SCXLUA_GUARD_BPF_H

enum {
	AGE_SCAN = 64,	    /* hold queues that one dispatch looks at */
	RESCUE_STEPS = 512, /* tasks of one queue, from each end, that one tick looks at */
	CPUS_PER_TICK = 64,
	EVACUATE_S = 10,		   /* a CPU has long gone offline by then */
	TICK_GRACE_NS = 4 * NSEC_PER_MSEC, /* how long a tick waits for an idle CPU */
};

struct guard_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct guard_timer);
} guard_timers SEC(".maps");

uint64_t evacuate_until; /* a CPU went offline: see evacuate() */
uint32_t next_cpu;	 /* where the timer's round over the CPUs goes on; the timer's own */
uint64_t guarded_ns;	 /* when it last looked at all; the timer's own */

/* Has the first task of the queue been there since before `limit`? Then also kicks for it. */
static __always_inline bool head_before(u64 dsq, u64 limit, bool kick)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	struct task_ctx *tctx;
	bool before = false;

	if (!bpf_iter_scx_dsq_new(&it, dsq, 0) && (p = bpf_iter_scx_dsq_next(&it))) {
		tctx = task_ctx(p);
		before = tctx && tctx->hold_ns <= limit;
		if (before && kick)
			kick_idle_for(p);
	}
	bpf_iter_scx_dsq_destroy(&it);
	return before;
}

/*
 * How long a held task waits for its decision before a CPU may help itself. A policy that says
 * that it holds tasks, and whose worker is not late with its cycle, is given twice the limit, and
 * once more for each task per CPU that it holds: in an overload tasks wait because CPUs are short,
 * not because the policy is late. Never more than the starve limit. What a bypassed worker said
 * no longer counts.
 */
static __always_inline u64 hold_limit(u64 now)
{
	u64 limit = cfg.hold_ns;

	if (is_bypassed(now))
		return limit < cfg.starve_ns ? limit : cfg.starve_ns;
	if (control.held && control.nr_online &&
	    (!control.busy || (s64)(now - control.heartbeat_ns) < (s64)cfg.hold_ns))
		limit += cfg.hold_ns + cfg.hold_ns * control.held / control.nr_online;
	return limit < cfg.starve_ns ? limit : cfg.starve_ns;
}

/*
 * Takes one task that was held for longer than the hold limit, its own CPU's first. It is
 * counted in ops.running, which finds it still HELD. The move may take a younger one if the
 * head cannot run here; accepted.
 */
static __always_inline bool take_aged(s32 cpu, u64 now)
{
	u64 before = now - hold_limit(now);
	u32 other = cpu;
	int i;

	if (cfg.fault_no_age)
		return false;
	bpf_for(i, 0, AGE_SCAN) {
		if (i >= cfg.nr_cpu_ids)
			break;
		if (scx_bpf_dsq_nr_queued(DSQ_HOLD + other) > 0 &&
		    head_before(DSQ_HOLD + other, before, false) && dsq_take(DSQ_HOLD + other))
			return true;
		if (++other >= cfg.nr_cpu_ids)
			other = 0;
	}
	return false;
}

/*
 * The slice of a starved task: what the whole starved queue can get within a second, so that a
 * thousand of them pass before the kernel's watchdog (timeout_ms) loses patience.
 */
static __always_inline u64 starved_slice(void)
{
	s32 waiting = scx_bpf_dsq_nr_queued(DSQ_STARVED);
	u64 slice;

	if (waiting <= 0 || !control.nr_online)
		return cfg.slice_ns;
	slice = 1000ull * NSEC_PER_MSEC * control.nr_online / waiting;
	if (slice > cfg.slice_ns)
		return cfg.slice_ns;
	return slice < NSEC_PER_MSEC / 10 ? NSEC_PER_MSEC / 10 : slice;
}

/* Moves the tasks of a queue that have not run since `limit` to the starved queue. */
static __always_inline void rescue(u64 dsq, u64 iter_flags, u64 limit)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	struct task_ctx *tctx;
	int i;

	if (bpf_iter_scx_dsq_new(&it, dsq, iter_flags))
		goto out;
	bpf_for(i, 0, RESCUE_STEPS) {
		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		tctx = task_ctx(p);
		if (!tctx || tctx->enqueue_ns > limit)
			continue;
		dsq_set_slice(&it, starved_slice());
		if (!dsq_move(&it, p, DSQ_STARVED))
			continue; /* it was taken meanwhile */
		count_timer(starved);
		if (settle(tctx) == TASK_HELD)
			count_timer(aged_out);
	}
out:
	bpf_iter_scx_dsq_destroy(&it);
}

static __always_inline void rescue_both_ends(u64 dsq, u64 limit)
{
	s32 waiting = scx_bpf_dsq_nr_queued(dsq);

	if (waiting <= 0)
		return;
	rescue(dsq, 0, limit);
	if (waiting > RESCUE_STEPS)
		rescue(dsq, kernel_enum(scx_dsq_iter_flags, SCX_DSQ_ITER_REV), limit);
}

/*
 * Gets the first task of the queue a CPU: an idle one, or, if it may interrupt, the one it last
 * ran on.
 */
static __always_inline void press_head(u64 dsq, bool may_interrupt)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	s32 cpu;

	if (!bpf_iter_scx_dsq_new(&it, dsq, 0) && (p = bpf_iter_scx_dsq_next(&it))) {
		cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
		if (cpu >= 0)
			scx_bpf_kick_cpu(cpu, kernel_enum(scx_kick_flags, SCX_KICK_IDLE));
		else if (may_interrupt)
			scx_bpf_kick_cpu(scx_bpf_task_cpu(p),
					 kernel_enum(scx_kick_flags, SCX_KICK_PREEMPT));
	}
	bpf_iter_scx_dsq_destroy(&it);
}

/*
 * A CPU that goes offline no longer calls ops.dispatch, but it cannot go while tasks are on its
 * runqueue, and those pinned to it can run nowhere else. It still looks at the kernel's global
 * queue, from where the kernel pushes them to another CPU.
 */
static __always_inline void evacuate(u64 dsq)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	struct task_ctx *tctx;
	struct scx_cpu *row;
	int i;

	if (bpf_iter_scx_dsq_new(&it, dsq, 0))
		goto out;
	bpf_for(i, 0, RESCUE_STEPS) {
		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		row = cpu_row(scx_bpf_task_cpu(p));
		tctx = task_ctx(p);
		if (!row || row->online || !tctx)
			continue;
		if (!dsq_move(&it, p, kernel_enum(scx_dsq_id_flags, SCX_DSQ_GLOBAL)))
			continue; /* it was taken meanwhile */
		if (settle(tctx) == TASK_HELD)
			count_timer(aged_out);
	}
out:
	bpf_iter_scx_dsq_destroy(&it);
}

static __always_inline void evacuate_all(void)
{
	evacuate(DSQ_SHARED);
	evacuate(DSQ_BYPASS);
	evacuate(DSQ_STARVED);
}

/* One CPU's queues: aged heads get a CPU, starving tasks and those of an offline CPU move. */
static __always_inline void guard_cpu(u32 cpu, u64 now)
{
	struct scx_cpu *row = cpu_row(cpu);
	u64 limit = now - cfg.starve_ns;

	if (!row)
		return;
	if (!row->online) {
		evacuate(DSQ_HOLD + cpu);
		evacuate(DSQ_CPU + cpu);
		limit = now; /* decided for it, but on another CPU's runqueue */
		row->queued = scx_bpf_dsq_nr_queued(DSQ_CPU + cpu); /* its own dispatch is over */
	}
	if (!cfg.fault_no_age && scx_bpf_dsq_nr_queued(DSQ_HOLD + cpu) > 0) {
		head_before(DSQ_HOLD + cpu, now - hold_limit(now), true);
		rescue(DSQ_HOLD + cpu, 0, limit);
	}
	if (!cfg.fault_no_starve)
		rescue_both_ends(DSQ_CPU + cpu, limit);
}

/* Is the policy's tick() due? */
static __always_inline bool tick_due(u64 now)
{
	return control.worker_pid && control.due_ns && (s64)(now - control.due_ns) >= 0;
}

/* Has the worker yielded, and must run: a sign of life is due, or a record waits too long? */
static __always_inline bool worker_overdue(u64 now)
{
	u64 asked = worker_asked_since;

	if (scx_bpf_dsq_nr_queued(DSQ_WORKER) <= 0)
		return false;
	if ((s64)(now - worker_last_run) > (s64)cfg.heartbeat_ns)
		return true;
	/* A worker that was running when the record came has taken it without being asked. */
	return asked && (s64)(now - asked) > (s64)(cfg.hold_ns / 4) &&
	       bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA);
}

static __always_inline void guard_all(u64 now)
{
	int i;

	bpf_for(i, 0, CPUS_PER_TICK) {
		if (i >= cfg.nr_cpu_ids)
			break;
		if (next_cpu >= cfg.nr_cpu_ids)
			next_cpu = 0;
		guard_cpu(next_cpu++, now);
	}
	if (!cfg.fault_no_starve) {
		rescue_both_ends(DSQ_SHARED, now - cfg.starve_ns);
		rescue_both_ends(DSQ_BYPASS, now - cfg.starve_ns);
		rescue(DSQ_WORKER, 0, now - cfg.starve_ns); /* a former worker, on its way out */
	}
	if (now < evacuate_until)
		evacuate_all();
	press_head(DSQ_STARVED, true);
}

/*
 * How long the timer may sleep: until the policy's tick() is due, if that is sooner than the next
 * look at everything. While it is overdue, and the worker on its way, a millisecond.
 */
static __always_inline u64 guard_pause(u64 now)
{
	s64 until = control.due_ns - now;

	if (!control.worker_pid || !control.due_ns || until > (s64)(cfg.hold_ns / 2))
		return cfg.hold_ns / 2;
	return until > NSEC_PER_MSEC ? until : NSEC_PER_MSEC;
}

static int guard_tick(void *map, int *key, struct bpf_timer *timer)
{
	u64 now = bpf_ktime_get_ns();

	/* Started from a sleepable op, so older verifiers take this for sleepable code. */
	bpf_rcu_read_lock();
	if (!control.due_ns || now - guarded_ns >= cfg.hold_ns / 2) {
		guarded_ns = now;
		guard_all(now);
	}
	if (worker_overdue(now) || tick_due(now))
		press_head(DSQ_WORKER, worker_overdue(now) || tick_due(now - TICK_GRACE_NS));
	bpf_rcu_read_unlock();
	bpf_timer_start(timer, guard_pause(now), 0);
	return 0;
}

static __always_inline int guard_start(void)
{
	struct guard_timer *timer;
	u32 key = 0;
	int err;

	timer = bpf_map_lookup_elem(&guard_timers, &key);
	if (!timer)
		return -ENOENT;
	err = bpf_timer_init(&timer->timer, &guard_timers, 1 /* CLOCK_MONOTONIC */);
	if (!err)
		err = bpf_timer_set_callback(&timer->timer, guard_tick);
	if (!err)
		err = bpf_timer_start(&timer->timer, cfg.hold_ns / 2, 0);
	return err;
}

#endif
