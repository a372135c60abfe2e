// SPDX-License-Identifier: GPL-2.0-only
/*
 * scxlua.bpf.c - the kernel half of scxlua: a scheduler whose decisions are made in user space
 * and which never depends on them.
 *
 * Invariant: user space never owns a task. ops.enqueue puts every task on a kernel queue (its
 * CPU's hold queue) and also sends a record of it to the worker through a ring buffer. The record
 * asks for advice. A decision that comes back through the user ring buffer moves the task to
 * the queue that it names; if none comes, the guards (guard.bpf.h) take the task from the hold
 * queue. So a worker that is slow, stopped, dead or wrong costs latency on some tasks, never a
 * task, and the kernel's watchdog has nothing to complain about.
 *
 * Queues, all custom (an explicit local queue with a wrong CPU ejects the scheduler):
 *
 *   DSQ_HOLD + cpu   enqueued, not decided; FIFO
 *   DSQ_CPU + cpu    decided for that CPU; by the policy's vtime
 *   DSQ_SHARED       decided for any CPU; by the policy's vtime
 *   DSQ_STARVED      not run for the starve limit, from wherever; FIFO
 *   DSQ_BYPASS       scheduled by the built-in policy (weighted fair vtime): while no worker is
 *                    active, or the ring is full. Its own queue, because its vtimes and the
 *                    policy's are in different units
 *   DSQ_WORKER       the worker, which yields instead of sleeping: it is given a CPU when there
 *                    is work for it, so no record costs a wake-up
 *
 * Straight to the kernel's local queue: kernel threads, memory reclaim, the supervisor, and
 * (builtin_idle) wakeups that find an idle CPU and nobody waiting.
 *
 * Ledger: every generation that goes to a hold queue (queued) ends as exactly one of decided,
 * aged_out, cancelled, exited; see state.bpf.h.
 *
 * Kernels: 6.12 and later, from one object; see scx.bpf.h for where they differ.
 */
#include "scx.bpf.h"
#include "abi.h"
#include "state.bpf.h"
#include "verdict.bpf.h"
#include "guard.bpf.h"
#include "offer.bpf.h"
#include "pick.bpf.h"

char _license[] SEC("license") = "GPL";

#define SCX_OP(name, args...) SEC("struct_ops/" #name) BPF_PROG(name, ##args)
#define SCX_OP_SLEEPABLE(name, args...) SEC("struct_ops.s/" #name) BPF_PROG(name, ##args)

/*
 * The kernel calls this for a wakeup, before ops.enqueue, and uses the CPU that it returns as
 * a hint. An insert into the local queue from here skips ops.enqueue. The idle CPU that
 * scx_bpf_select_cpu_dfl() finds is no longer marked idle; it is woken either way.
 */
s32 SCX_OP(scxlua_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool is_idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	struct task_ctx *tctx = task_ctx(p);

	if (tctx)
		tctx->woken = is_idle ? cpu + 1 : 0;
	if (!is_idle || is_worker(p))
		return cpu;
	/* With WAKE_SYNC the CPU may be the waker's, and not idle at all. */
	if (is_direct(p) && is_crowded(cpu, now_ns()))
		return cpu;
	if (!is_own(p) && !is_direct(p)) {
		if (!control.builtin_idle && !is_bypassed(now_ns()))
			return cpu;
		if (!nobody_waits(cpu))
			return cpu;
		count(direct);
	}
	dsq_insert(p, kernel_enum(scx_dsq_id_flags, SCX_DSQ_LOCAL), cfg.slice_ns, 0);
	return cpu;
}

/*
 * The kernel calls this with the task's rq locked when it becomes runnable and was not put on a
 * local queue by ops.select_cpu. It must leave the task on some queue: there is no path
 * through here that does not insert.
 */
void SCX_OP(scxlua_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 local = kernel_enum(scx_dsq_id_flags, SCX_DSQ_LOCAL);
	u64 preempt = kernel_enum(scx_enq_flags, SCX_ENQ_PREEMPT);
	struct task_ctx *tctx = task_ctx(p);
	u32 reason;

	if (!tctx) {
		scx_error("enqueue: no context for %s[%d], init_task made none", p->comm, p->pid);
		return;
	}
	/* Enqueued again without a dequeue that we were told of (migration between runqueues). */
	if (settle(tctx) == TASK_HELD)
		count(cancelled);
	reason = enqueue_reason(p, tctx, enq_flags);
	mark_waiting(tctx, enq_flags);
	if (is_worker(p)) {
		dsq_insert(p, DSQ_WORKER, WORKER_SLICE_NS, enq_flags);
	} else if (p->tgid == own_tgid[SCXLUA_OWN_SUPERVISOR]) {
		dsq_insert(p, local, cfg.slice_ns, enq_flags | preempt);
	} else if (is_own(p)) {
		/* A worker that is loading: its fair share, it may be at it for a while. */
		enqueue_builtin(p, tctx, enq_flags);
	} else if (is_direct(p)) {
		count(direct_kernel);
		enqueue_direct(p, tctx, reason, enq_flags);
	} else if (is_bypassed(tctx->hold_ns)) {
		count(bypassed);
		enqueue_builtin(p, tctx, enq_flags);
	} else if (finds_idle(p, enq_flags)) {
		count(direct);
		dsq_insert(p, local, cfg.slice_ns, enq_flags);
	} else if (!offer(p, tctx, reason, enq_flags)) {
		count(congested);
		enqueue_builtin(p, tctx, enq_flags);
	}
}

/*
 * The kernel calls this, with the CPU's rq locked, when its local queue is empty. Whatever is
 * not taken here leaves the CPU with `prev` or idle, until something is enqueued or kicks it.
 */
void SCX_OP(scxlua_dispatch, s32 cpu, struct task_struct *prev)
{
	u64 now = now_ns();
	struct turn *turn = turn_of(cpu);
	struct scx_cpu *row = cpu_row(cpu);

	if (!turn || !row) {
		scx_error("dispatch: no row for cpu %d", cpu);
		return;
	}
	drain_verdicts();
	if (!take_worker(cpu, now, true, is_outgoing(cpu, prev, now)) &&
	    !take_task(cpu, turn, now) && !take_worker(cpu, now, false, false))
		keep_prev(cpu, prev, now);
	row->queued = scx_bpf_dsq_nr_queued(DSQ_CPU + cpu);
}

/* Each timer tick of a CPU that runs one of ours: make room for a worker that is overdue. */
void SCX_OP(scxlua_tick, struct task_struct *p)
{
	if (!is_worker(p) && worker_overdue(now_ns()))
		task_set_slice(p, 0);
}

/* The task gets a CPU. Still HELD here means that a guard, not a decision, brought it. */
void SCX_OP(scxlua_running, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx(p);
	struct scx_cpu *row = cpu_row(scx_bpf_task_cpu(p));
	struct turn *turn = turn_of(scx_bpf_task_cpu(p));
	u64 now = now_ns();
	u64 was;

	if (!tctx || !row)
		return;
	was = settle(tctx);
	if (was == TASK_HELD)
		count(aged_out);
	if (turn)
		turn->direct_since = goes_past(p) ? turn->direct_since ?: now : 0;
	tctx->start_ns = now;
	tctx->woken = 0;
	tctx->slice_ns = p->scx.slice;
	if (was == TASK_DECIDED)
		control.applied_slice_ns = tctx->slice_ns;
	if ((s64)(tctx->vtime - vtime_now) > 0)
		vtime_now = tctx->vtime;
	if (is_worker(p)) {
		/* To a policy, which can only ask while it runs, its CPU is what it is without it. */
		worker_last_run = now;
		row->idle = nobody_waits(scx_bpf_task_cpu(p));
		worker_cpu = row->idle ? scx_bpf_task_cpu(p) : -1;
		return;
	}
	row->task_pid = p->pid;
	row->since_ns = now;
	row->slice_ns = tctx->slice_ns;
}

/* The task leaves its CPU, to wait again (runnable) or not. */
void SCX_OP(scxlua_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *tctx = task_ctx(p);
	struct scx_cpu *row = cpu_row(scx_bpf_task_cpu(p));
	u64 ran;

	if (!tctx || !row)
		return;
	tctx->stop_ns = now_ns();
	ran = tctx->stop_ns - tctx->start_ns;
	tctx->exec_ns += ran;
	tctx->vtime += ran * 100 / (p->scx.weight ?: 1);
	if (is_worker(p)) {
		worker_hog = ran < WORKER_SLICE_NS ? 0 : worker_hog + 1;
		worker_cpu = -1;
		row->idle = 0;
	}
	row->task_pid = 0;
}

/* The task is dequeued: it sleeps, or its affinity, priority or class changes. */
void SCX_OP(scxlua_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *tctx = task_ctx(p);

	if (!tctx)
		return;
	if (settle(tctx) == TASK_HELD)
		count(cancelled);
	if (deq_flags & kernel_enum(scx_deq_flags, SCX_DEQ_SLEEP))
		tctx->exec_ns = 0;
}

void SCX_OP(scxlua_set_cpumask, struct task_struct *p, const struct cpumask *cpumask)
{
	struct task_ctx *tctx = task_ctx(p);

	if (tctx)
		tctx->cpumask_seq++;
}

void SCX_OP(scxlua_update_idle, s32 cpu, bool idle)
{
	struct scx_cpu *row = cpu_row(cpu);
	struct turn *turn = turn_of(cpu);

	if (!row || !turn)
		return;
	row->idle = idle;
	if (idle)
		turn->direct_since = 0;
	/*
	 * Work that came between this CPU's last look and now would wait for the next one. Not on a
	 * CPU that goes offline: the kick would stay pending on it for ever, and detach waits for
	 * kicks (irq_work_sync).
	 */
	if (idle && row->online && !nobody_waits(cpu))
		scx_bpf_kick_cpu(cpu, kernel_enum(scx_kick_flags, SCX_KICK_IDLE));
}

/* Before a thread can be scheduled. The only place that allocates; failure fails its fork. */
s32 SCX_OP_SLEEPABLE(scxlua_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *tctx;

	tctx = bpf_task_storage_get(&task_ctxs, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tctx)
		return -12; /* ENOMEM */
	tctx->cookie = __sync_fetch_and_add(&next_cookie, 1) + 1;
	tctx->vtime = vtime_now;
	/* Known to be free to run anywhere, as the worker takes it to be, until it is not. */
	tctx->mask_sent = ~0ull;
	return 0;
}

/* The thread is gone, or we are. The policy hears of it if it ever heard of the thread. */
void SCX_OP(scxlua_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task_ctx *tctx = task_ctx(p);
	struct scxlua_record *rec;
	u64 cookie;

	if (!tctx)
		return;
	if (settle(tctx) == TASK_HELD)
		count(exited);
	cookie = tctx->cookie;
	tctx->cookie = 0; /* the pid lives on in a zombie; decisions for it are for nobody */
	if (!generation(tctx))
		return;
	rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
	if (!rec) {
		/* The supervisor sees this and sweeps the table; see SCXLUA_OP_ALIVE. */
		__sync_fetch_and_add(&control.lost_exits, 1);
		return;
	}
	__builtin_memset(rec, 0, sizeof(*rec));
	rec->kind = SCXLUA_REC_EXIT;
	rec->pid = p->pid;
	rec->cookie = cookie;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

/* The thread enters this scheduling class. */
void SCX_OP(scxlua_enable, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx(p);

	if (!tctx)
		return;
	tctx->vtime = vtime_now;
	tctx->enqueue_ns = tctx->start_ns;
}

/* Counted anew each time: the word is on a page that workers can write. */
static __always_inline void count_online(void)
{
	struct scx_cpu *row;
	u32 nr = 0;
	int i;

	bpf_for(i, 0, cfg.nr_cpu_ids) {
		row = cpu_row(i);
		nr += row && row->online;
	}
	control.nr_online = nr;
}

static __always_inline void cpu_event(s32 cpu, bool online)
{
	struct scx_cpu *row = cpu_row(cpu);
	struct scxlua_record *rec;

	if (!row)
		return;
	row->online = online;
	count_online();
	rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
	if (!rec)
		return; /* the policy still sees scx.cpus[cpu].online */
	__builtin_memset(rec, 0, sizeof(*rec));
	rec->kind = SCXLUA_REC_CPU;
	rec->cpu = cpu;
	rec->flags = online;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

/* With these two the kernel leaves the scheduler attached across CPU hotplug; the tasks of a
 * CPU that went are moved by the guard's timer. */
void SCX_OP_SLEEPABLE(scxlua_cpu_online, s32 cpu)
{
	cpu_event(cpu, true);
}

void SCX_OP_SLEEPABLE(scxlua_cpu_offline, s32 cpu)
{
	cpu_event(cpu, false);
	evacuate_until = bpf_ktime_get_ns() + EVACUATE_S * 1000ull * NSEC_PER_MSEC;
}

/* SysRq-D, and before an ejection. */
void SCX_OP(scxlua_dump, struct scx_dump_ctx *dctx)
{
	u64 idle_for = bpf_ktime_get_ns() - control.heartbeat_ns;

	scx_dump("scxlua: policy=%s hash=%llx generation=%u bypass=%u\n", script_name, script_hash,
		 control.generation, control.bypass);
	scx_dump("scxlua: worker=%d last cycle %llu us ago, holds %u\n", control.worker_pid,
		 idle_for / 1000, control.held);
	scx_dump("scxlua: shared=%d bypass=%d starved=%d worker=%d\n",
		 scx_bpf_dsq_nr_queued(DSQ_SHARED), scx_bpf_dsq_nr_queued(DSQ_BYPASS),
		 scx_bpf_dsq_nr_queued(DSQ_STARVED), scx_bpf_dsq_nr_queued(DSQ_WORKER));
	scx_dump("scxlua: last error: %s\n", script_error);
}

static __always_inline s32 create_queues(void)
{
	u64 fixed[] = { DSQ_SHARED, DSQ_BYPASS, DSQ_STARVED, DSQ_WORKER };
	s32 err = 0;
	int i;

	bpf_for(i, 0, cfg.nr_cpu_ids) {
		err = err ?: scx_bpf_create_dsq(DSQ_CPU + i, -1);
		err = err ?: scx_bpf_create_dsq(DSQ_HOLD + i, -1);
	}
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		err = err ?: scx_bpf_create_dsq(fixed[i], -1);
	return err;
}

s32 SCX_OP_SLEEPABLE(scxlua_init)
{
	s32 err = create_queues();

	if (cfg.fault_unsafe && bpf_task_from_pid(1))
		return 1;
	return err ?: guard_start();
}

void SCX_OP(scxlua_exit, struct scx_exit_info *ei)
{
	u32 dump_len = cfg.exit_dump_len;

	bpf_probe_read_kernel_str(exit_info.reason, sizeof(exit_info.reason), ei->reason);
	bpf_probe_read_kernel_str(exit_info.msg, sizeof(exit_info.msg), ei->msg);
	if (dump_len)
		bpf_probe_read_kernel_str(exit_dump, dump_len, ei->dump);
	exit_info.code = ei->exit_code;
	/* Read by user space once it is not 0: last. */
	__sync_lock_test_and_set(&exit_info.kind, ei->kind);
}

/* Run by scxlua's own processes, so that pids are those of the initial namespace. */
SEC("syscall")
int scxlua_op(struct scxlua_op_args *args)
{
	struct task_struct *p;
	struct task_ctx *tctx;
	u32 slot = args->arg;

	args->result = 0;
	switch (args->op) {
	case SCXLUA_OP_OWN:
		if (slot >= SCXLUA_NR_OWN)
			return -EINVAL;
		own_tgid[slot] = bpf_get_current_pid_tgid() >> 32;
		args->result = own_tgid[slot];
		return 0;
	case SCXLUA_OP_ACTIVE:
		control.worker_pid = slot < SCXLUA_NR_OWN ? own_tgid[slot] : 0;
		return 0;
	case SCXLUA_OP_ALIVE:
		p = bpf_task_from_pid(args->pid);
		if (!p)
			return 0;
		tctx = task_ctx(p);
		args->result = tctx && tctx->cookie == args->cookie;
		bpf_task_release(p);
		return 0;
	}
	return -EINVAL;
}

SEC(".struct_ops.link")
struct sched_ext_ops scxlua_ops = {
	.select_cpu = (void *)scxlua_select_cpu,
	.enqueue = (void *)scxlua_enqueue,
	.dispatch = (void *)scxlua_dispatch,
	.tick = (void *)scxlua_tick,
	.running = (void *)scxlua_running,
	.stopping = (void *)scxlua_stopping,
	.quiescent = (void *)scxlua_quiescent,
	.set_cpumask = (void *)scxlua_set_cpumask,
	.update_idle = (void *)scxlua_update_idle,
	.init_task = (void *)scxlua_init_task,
	.exit_task = (void *)scxlua_exit_task,
	.enable = (void *)scxlua_enable,
	.dump = (void *)scxlua_dump,
	.cpu_online = (void *)scxlua_cpu_online,
	.cpu_offline = (void *)scxlua_cpu_offline,
	.init = (void *)scxlua_init,
	.exit = (void *)scxlua_exit,
	.dispatch_max_batch = 512,
	.timeout_ms = 5000,
	.name = "scxlua",
};
