/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pick.bpf.h - what ops.dispatch gives a CPU: the worker, or a task, and from which queue.
 *
 * Every queue is served within a bound whatever the others do: the worker takes WORKER_SLICES in a
 * row at most, the starved every second turn, the decided and the built-in queue alternate, aged
 * held tasks when nothing else is left and, past the starve limit, through the starved queue.
 */
#ifndef SCXLUA_PICK_BPF_H
#define SCXLUA_PICK_BPF_H

/*
 * Is there something for the worker: a cycle to finish, a sign of life or tick due, a record, or
 * room for what the policy holds? A cycle of the worker that found nothing to do (stalled) is
 * not repeated at once, or a policy that holds back would spin on an otherwise idle CPU.
 */
static __always_inline bool worker_wanted(s32 cpu, u64 now)
{
	s64 since = now - worker_last_run;

	if (!control.worker_pid)
		return true; /* one that was active: let it run, to its end most likely */
	if (control.busy || since > (s64)cfg.heartbeat_ns || tick_due(now) ||
	    bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA))
		return true;
	if (!control.held || (control.stalled && since < NSEC_PER_MSEC))
		return false;
	return scx_bpf_dsq_nr_queued(DSQ_SHARED) + scx_bpf_dsq_nr_queued(DSQ_CPU + cpu) <
	       (s32)control.nr_online;
}

/*
 * Has `prev` used up its slice, and will it wait again, because others wait here? The policy hears
 * of it when this dispatch is over. So the worker goes first: were the next task taken now,
 * it would be without regard to `prev`, and of two tasks on a CPU each would get every second
 * slice whatever the policy thinks of them. Not if `prev` was interrupted: somebody is in a hurry.
 */
static __always_inline bool is_outgoing(s32 cpu, struct task_struct *prev, u64 now)
{
	struct task_ctx *tctx;

	if (!prev || !(prev->scx.flags & kernel_enum(scx_ent_flags, SCX_TASK_QUEUED)))
		return false;
	if (is_own(prev) || is_direct(prev) || is_bypassed(now))
		return false;
	tctx = task_ctx(prev);
	if (!tctx || (s64)(now - tctx->start_ns) < (s64)tctx->slice_ns)
		return false;
	return scx_bpf_dsq_nr_queued(DSQ_SHARED) > 0 || scx_bpf_dsq_nr_queued(DSQ_CPU + cpu) > 0;
}

/*
 * The worker comes first, or every decision would wait; but not slice after slice: one that
 * used up WORKER_SLICES in a row (an endless loop in Lua) waits behind one other task, on
 * whatever CPU.
 */
static __always_inline bool take_worker(s32 cpu, u64 now, bool in_turn, bool is_wanted)
{
	if (in_turn && worker_hog >= WORKER_SLICES) {
		worker_hog = 0;
		return false;
	}
	if (scx_bpf_dsq_nr_queued(DSQ_WORKER) <= 0 || !(is_wanted || worker_wanted(cpu, now)))
		return false;
	control.shared_depth = scx_bpf_dsq_nr_queued(DSQ_SHARED);
	if (!dsq_take(DSQ_WORKER))
		return false;
	worker_asked_since = 0;
	count(worker_runs);
	return true;
}

/* The starved go first every second time; every time once the first has waited for 4 limits. */
static __always_inline bool take_starved(struct turn *turn, u64 now)
{
	if (scx_bpf_dsq_nr_queued(DSQ_STARVED) <= 0)
		return false;
	if (turn->starved++ & 1 && !head_before(DSQ_STARVED, now - 4 * cfg.starve_ns, false))
		return false;
	return dsq_take(DSQ_STARVED);
}

/* What is decided, this CPU's own queue first. */
static __always_inline bool take_decided(s32 cpu)
{
	return dsq_take(DSQ_CPU + cpu) || dsq_take(DSQ_SHARED);
}

/* What is decided and the built-in policy's queue take turns while both have tasks. */
static __always_inline bool take_ready(s32 cpu, struct turn *turn)
{
	if (turn->bypass++ & 1)
		return dsq_take(DSQ_BYPASS) || take_decided(cpu);
	return take_decided(cpu) || dsq_take(DSQ_BYPASS);
}

/*
 * Held tasks come last, because their decisions are on the way; but first while the worker is
 * bypassed, when the built-in policy's queue may never run empty.
 */
static __always_inline bool take_task(s32 cpu, struct turn *turn, u64 now)
{
	if (is_bypassed(now) && take_aged(cpu, now))
		return true;
	return take_starved(turn, now) || take_ready(cpu, turn) || dsq_take(DSQ_STARVED) ||
	       take_aged(cpu, now);
}

/*
 * Nobody waits that could run here: let the previous task go on, briefly if some are undecided.
 * The worker only if there is work: a record may have come after it last looked.
 */
static __always_inline void keep_prev(s32 cpu, struct task_struct *prev, u64 now)
{
	bool waiting = scx_bpf_dsq_nr_queued(DSQ_HOLD + cpu) > 0;

	if (!prev || !(prev->scx.flags & kernel_enum(scx_ent_flags, SCX_TASK_QUEUED)))
		return;
	if (is_worker(prev)) {
		if (worker_wanted(cpu, now))
			task_set_slice(prev, WORKER_SLICE_NS);
		return;
	}
	task_set_slice(prev, waiting ? SHORT_SLICE_NS : cfg.slice_ns);
	count(kept);
}

#endif
