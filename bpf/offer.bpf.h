/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * offer.bpf.h - what ops.enqueue does with a task: who it is, why it is here, and the record that
 * asks the policy about it.
 *
 * Order matters in offer(): the record is reserved before the task goes to its hold queue, so
 * that a task is held if and only if the worker is told. A full ring costs the task the policy's
 * opinion, not its turn: the built-in policy takes it.
 */
#ifndef SCXLUA_OFFER_BPF_H
#define SCXLUA_OFFER_BPF_H

enum { MASK_CPUS = 64 * SCXLUA_MASK_WORDS };

uint64_t nr_records; /* for fault injection */

/* The built-in policy: weighted vtime, a sleeper gains at most one slice. */
static __always_inline void enqueue_builtin(struct task_struct *p, struct task_ctx *tctx,
					    u64 enq_flags)
{
	u64 floor = vtime_now - cfg.slice_ns;

	if ((s64)(tctx->vtime - floor) < 0)
		tctx->vtime = floor;
	dsq_insert_vtime(p, DSQ_BYPASS, cfg.slice_ns, tctx->vtime, enq_flags);
	kick_idle_for(p);
}

/*
 * Has the CPU run nothing for DIRECT_NS but what goes past the policy, although others wait?
 * Then more of it would keep the local queue full, and while that has tasks the kernel does not
 * call ops.dispatch.
 */
static __always_inline bool is_crowded(s32 cpu, u64 now)
{
	struct turn *turn = turn_of(cpu);

	if (!turn || !turn->direct_since || (s64)(now - turn->direct_since) < DIRECT_NS)
		return false;
	return !nobody_waits(cpu) || scx_bpf_dsq_nr_queued(DSQ_HOLD + cpu) > 0;
}

/*
 * Past the policy: at once, unless that would keep everybody else from the CPU: two hogs, a crowd of
 * ending threads (6.3 s were seen, and an ejection), or two that wake each other and never use up a
 * slice.
 */
static __always_inline void enqueue_direct(struct task_struct *p, struct task_ctx *tctx, u32 reason,
					   u64 enq_flags)
{
	if (reason & SCX_TASK_EXPIRED || p->flags & PF_EXITING ||
	    is_crowded(scx_bpf_task_cpu(p), tctx->hold_ns))
		enqueue_builtin(p, tctx, enq_flags);
	else
		dsq_insert(p, kernel_enum(scx_dsq_id_flags, SCX_DSQ_LOCAL), cfg.slice_ns,
			   enq_flags);
}

/* Why a task is enqueued, in the policy's terms. */
static __always_inline u32 enqueue_reason(const struct task_struct *p, const struct task_ctx *tctx,
					  u64 enq_flags)
{
	u32 reason = generation(tctx) ? 0 : SCX_TASK_NEW;

	if (enq_flags & kernel_enum(scx_enq_flags, SCX_ENQ_WAKEUP))
		return reason | SCX_TASK_WAKEUP;
	if (enq_flags & kernel_enum(scx_enq_flags, SCX_ENQ_LAST))
		reason |= SCX_TASK_LAST;
	if (tctx->stop_ns > tctx->start_ns && tctx->start_ns >= tctx->enqueue_ns) {
		if (tctx->stop_ns - tctx->start_ns >= tctx->slice_ns)
			reason |= SCX_TASK_EXPIRED;
		else
			reason |= SCX_TASK_PREEMPTED;
	}
	return reason;
}

/* cpu.weight of the cgroup that the cpu controller has the task in. */
static __always_inline u16 cgroup_weight(const struct task_struct *p)
{
	const struct task_group *tg = p->sched_task_group;
	const struct task_group___new *tg_new = (const void *)tg;

	if (!tg)
		return 100;
	if (bpf_core_field_exists(tg_new->scx))
		return BPF_CORE_READ(tg_new, scx.weight);
	if (bpf_core_field_exists(tg->scx_weight))
		return BPF_CORE_READ(tg, scx_weight);
	return 100;
}

static __always_inline void fill_record(struct scxlua_record *rec, struct task_struct *p,
					const struct task_ctx *tctx, u32 flags)
{
	rec->kind = SCXLUA_REC_ENQUEUE;
	rec->flags = flags;
	rec->pid = p->pid;
	rec->tgid = p->tgid;
	rec->cookie = tctx->cookie;
	rec->seq = generation(tctx);
	rec->ppid = p->real_parent->tgid;
	rec->nice = p->static_prio - 120;
	rec->cgroup_weight = cgroup_weight(p);
	rec->cpu = scx_bpf_task_cpu(p);
	rec->nr_cpus_allowed = p->nr_cpus_allowed;
	rec->cpumask_seq = tctx->cpumask_seq;
	rec->weight = p->scx.weight;
	rec->enqueue_ns = tctx->enqueue_ns;
	rec->start_ns = tctx->start_ns;
	rec->stop_ns = tctx->stop_ns;
	rec->exec_ns = tctx->exec_ns;
	rec->sum_exec_ns = p->se.sum_exec_runtime;
	rec->nvcsw = p->nvcsw;
	rec->cgroup_id = p->cgroups->dfl_cgrp->kn->id;
	bpf_probe_read_kernel(rec->comm, sizeof(rec->comm), p->comm);
}

/*
 * Tells the worker on which CPUs the task may run, if it does not know. A part that finds the
 * ring full is sent again with the next enqueue.
 */
static __always_inline bool send_affinity(const struct task_struct *p, struct task_ctx *tctx)
{
	u64 now = (u64)control.table_epoch << 32 | tctx->cpumask_seq;
	bool is_known = tctx->mask_sent >> 32 == control.table_epoch;
	struct scxlua_affinity *rec;
	u32 first;
	int i;

	if (tctx->mask_sent == now)
		return true;
	if (is_known || p->nr_cpus_allowed < cfg.nr_cpu_ids) {
		bpf_for(i, 0, (cfg.nr_cpu_ids + MASK_CPUS - 1) / MASK_CPUS) {
			rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
			if (!rec)
				return false;
			first = i * MASK_CPUS;
			rec->kind = SCXLUA_REC_AFFINITY;
			rec->first = first;
			rec->pid = p->pid;
			rec->reserved = 0;
			rec->cookie = tctx->cookie;
			rec->reserved2 = 0;
			/* May read past a small kernel's mask; the worker has no such CPUs. */
			bpf_probe_read_kernel(rec->mask, sizeof(rec->mask),
					      (const char *)p->cpus_ptr + first / 8);
			bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
		}
	}
	tctx->mask_sent = now;
	return true;
}

/* On the hold queue, and a record to the worker. The ring first: full, the task goes elsewhere. */
static __always_inline bool offer(struct task_struct *p, struct task_ctx *tctx, u32 reason,
				  u64 enq_flags)
{
	struct scxlua_record *rec = NULL;

	if (every_nth(cfg.fault_ring_full, &nr_records))
		count(injected);
	else if (send_affinity(p, tctx))
		rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
	if (!rec)
		return false;
	tctx->hold_cpu = scx_bpf_task_cpu(p);
	tctx->word = (generation(tctx) + 1) << 2 | TASK_HELD;
	fill_record(rec, p, tctx, reason);
	count(queued);
	if (!worker_asked_since)
		worker_asked_since = tctx->hold_ns;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	dsq_insert(p, DSQ_HOLD + tctx->hold_cpu, cfg.slice_ns, enq_flags);
	return true;
}

/* A task that waits already is not made younger by a change of its affinity or priority. */
static __always_inline void mark_waiting(struct task_ctx *tctx, u64 enq_flags)
{
	tctx->hold_ns = now_ns();
	if (enq_flags & kernel_enum(scx_enq_flags, SCX_ENQ_WAKEUP) ||
	    tctx->start_ns >= tctx->enqueue_ns)
		tctx->enqueue_ns = tctx->hold_ns;
}

/*
 * builtin_idle for a task that may run on one CPU only: the kernel does not call ops.select_cpu
 * for it. Kernels before 6.13 do not say so; there it goes the long way.
 */
static __always_inline bool finds_idle(struct task_struct *p, u64 enq_flags)
{
	s32 cpu = scx_bpf_task_cpu(p);

	if (!control.builtin_idle ||
	    !bpf_core_enum_value_exists(enum scx_enq_flags, SCX_ENQ_CPU_SELECTED))
		return false;
	if (!(enq_flags & kernel_enum(scx_enq_flags, SCX_ENQ_WAKEUP)) ||
	    enq_flags & kernel_enum(scx_enq_flags, SCX_ENQ_CPU_SELECTED))
		return false;
	return nobody_waits(cpu) && scx_bpf_test_and_clear_cpu_idle(cpu);
}

#endif
