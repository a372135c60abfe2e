/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verdict.bpf.h - taking the worker's decisions out of the user ring and applying them.
 *
 * A decision moves a task from its hold queue to the queue it names. It may be wrong in every
 * way: for a thread that is gone, for an earlier enqueue, for a task that the guards took
 * meanwhile, for a CPU that its affinity forbids. Each is counted and costs nothing: the task
 * is where it was, on a kernel queue.
 */
#ifndef SCXLUA_VERDICT_BPF_H
#define SCXLUA_VERDICT_BPF_H

enum {
	DRAIN_MAX = 512, /* decisions per ops.dispatch */
	MOVE_TRIES = 64, /* see move_held() */
	DRAIN_ROUNDS = 4,
};

volatile uint32_t drain_again; /* a CPU found the ring busy: whoever drains must look again */
uint64_t nr_verdicts;	       /* for fault injection */
uint64_t nr_targets;

struct drain_ctx {
	u32 n;
};

/* On which queue the decision puts the task. The kernel ejects a scheduler that puts a task
 * on a CPU it may not use, hence custom queues and this check; the rest of the race (affinity
 * changed since) is the starvation guard's, which finds a task that nobody can take. */
static __always_inline u64 target_queue(struct task_struct *p, const struct scxlua_verdict *v)
{
	s32 cpu = v->cpu;

	if (cpu == SCX_CPU_ANY)
		return DSQ_SHARED;
	if (every_nth(cfg.fault_wrong_cpu, &nr_targets)) {
		count(injected);
		cpu = 1 << 18;
	}
	if (cpu >= 0 && cpu < cfg.nr_cpu_ids && bpf_cpumask_test_cpu(cpu, p->cpus_ptr)) {
		struct scx_cpu *row = cpu_row(cpu);

		if (row && row->online) {
			/* Two decisions may name one idle CPU: the first to get here has it. */
			if (!(v->flags & SCX_IF_IDLE) || scx_bpf_test_and_clear_cpu_idle(cpu))
				return DSQ_CPU + cpu;
			count(idle_missed);
			return DSQ_SHARED;
		}
	}
	count(bounced);
	return DSQ_CPU + scx_bpf_task_cpu(p);
}

/* User space has clamped it already; but it may be corrupted, and a slice without end hangs a CPU. */
static __always_inline u64 bounded_slice(u64 slice_ns)
{
	if (!slice_ns)
		return cfg.slice_ns;
	return slice_ns < cfg.max_slice_ns ? slice_ns : cfg.max_slice_ns;
}

static __always_inline bool move_once(struct task_struct *p, struct task_ctx *tctx,
				      const struct scxlua_verdict *v, u64 target)
{
	struct bpf_iter_scx_dsq it;
	bool moved = false;

	/* No walk: the kernel checks, under its locks, that p is on the iterator's queue. */
	if (!bpf_iter_scx_dsq_new(&it, DSQ_HOLD + tctx->hold_cpu, 0)) {
		dsq_set_slice(&it, bounded_slice(v->slice_ns));
		dsq_set_vtime(&it, v->vtime);
		moved = dsq_move_vtime(&it, p, target);
	}
	bpf_iter_scx_dsq_destroy(&it);
	return moved;
}

/*
 * The insert that ops.enqueue asks for is done after it returns, so a fast decision can come
 * before the task is on its queue. The other CPU is a microsecond away from that: try a bounded
 * number of times, unless the task was settled.
 */
static __always_inline bool move_held(struct task_struct *p, struct task_ctx *tctx,
				      const struct scxlua_verdict *v, u64 target)
{
	int i;

	bpf_for(i, 0, MOVE_TRIES) {
		if (move_once(p, tctx, v, target))
			return true;
		if (tctx->word != (v->seq << 2 | TASK_DECIDED))
			break;
	}
	return false;
}

/* Wakes or interrupts a CPU that can run the task now. */
static __always_inline void kick_for(struct task_struct *p, u64 target, u32 flags)
{
	u64 preempt = kernel_enum(scx_kick_flags, SCX_KICK_PREEMPT);
	s32 cpu;

	if (target == DSQ_SHARED) {
		cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
		if (cpu >= 0)
			scx_bpf_kick_cpu(cpu, kernel_enum(scx_kick_flags, SCX_KICK_IDLE));
		else if (flags & SCX_PREEMPT)
			scx_bpf_kick_cpu(scx_bpf_task_cpu(p), preempt);
		return;
	}
	cpu = target - DSQ_CPU;
	scx_bpf_kick_cpu(cpu, flags & SCX_PREEMPT ? preempt :
						    kernel_enum(scx_kick_flags, SCX_KICK_IDLE));
}

/* No task: the policy wants the CPU to look for work, or what runs there to stop. */
static __always_inline void apply_kick(const struct scxlua_verdict *v)
{
	struct scx_cpu *row = v->cpu >= 0 ? cpu_row(v->cpu) : NULL;

	if (!row || !row->online) {
		count(malformed); /* user space checks it */
		return;
	}
	count(kicks);
	scx_bpf_kick_cpu(v->cpu, v->flags & SCX_PREEMPT ?
					 kernel_enum(scx_kick_flags, SCX_KICK_PREEMPT) :
					 kernel_enum(scx_kick_flags, SCX_KICK_IDLE));
}

static __always_inline void apply(struct task_struct *p, struct task_ctx *tctx,
				  const struct scxlua_verdict *v)
{
	u64 target;

	if (!claim(tctx, v->seq) && !cfg.fault_no_stale) {
		if (generation(tctx) == v->seq)
			count(late);
		else
			count(stale);
		return;
	}
	target = target_queue(p, v);
	if (move_held(p, tctx, v, target)) {
		count(decided);
		kick_for(p, target, v->flags);
		return;
	}
	if (v->flags & SCX_IF_IDLE &&
	    target != DSQ_SHARED) /* claimed for nothing: mark it idle again */
		scx_bpf_kick_cpu(target - DSQ_CPU, kernel_enum(scx_kick_flags, SCX_KICK_IDLE));
	if (unclaim(tctx, v->seq)) {
		/* Still not there, or no longer: a guard took it to another queue. Make sure
		 * that it does not wait out the hold limit. */
		tctx->hold_ns = 0;
		count(early);
	} else {
		/* Dequeued while the claim stood, by somebody who saw DECIDED. */
		count(cancelled);
	}
}

/* Called per sample by bpf_user_ringbuf_drain(); one CPU at a time. 0 = go on, 1 = stop. */
static long apply_verdict(struct bpf_dynptr *dynptr, struct drain_ctx *dctx)
{
	struct scxlua_verdict v; /* copied: user space can still write to the ring */
	struct task_struct *p;
	struct task_ctx *tctx;

	if (bpf_dynptr_read(&v, sizeof(v), dynptr, 0, 0)) {
		count(malformed);
		goto out;
	}
	if (v.kind == SCXLUA_VERDICT_KICK) {
		apply_kick(&v);
		goto out;
	}
	if (every_nth(cfg.fault_drop, &nr_verdicts)) {
		count(injected);
		goto out;
	}
	p = bpf_task_from_pid(v.pid);
	if (!p) {
		count(gone);
		goto out;
	}
	tctx = task_ctx(p);
	if (!tctx || (tctx->cookie != v.cookie && !cfg.fault_no_stale))
		count(gone);
	else
		apply(p, tctx, &v);
	bpf_task_release(p);
out:
	return ++dctx->n >= DRAIN_MAX;
}

/*
 * Applies what the worker has decided. If another CPU is at it, that one may already be past
 * the last sample: leave it a note. A note that it misses costs the next dispatch, or the timer.
 */
static __always_inline void drain_verdicts(void)
{
	struct drain_ctx dctx = {};
	int i;

	if (cfg.fault_no_drain || control.drain_off)
		return;
	bpf_for(i, 0, DRAIN_ROUNDS) {
		if (bpf_user_ringbuf_drain(&verdicts, apply_verdict, &dctx, BPF_RB_NO_WAKEUP) ==
		    -EBUSY) {
			drain_again = 1;
			count(drain_busy);
			return;
		}
		if (!drain_again)
			return;
		drain_again = 0;
	}
}

#endif
