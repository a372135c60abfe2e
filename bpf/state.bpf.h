/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.bpf.h - what the BPF side keeps: configuration, shared words, queues, counters, and per
 * task the word that says who is responsible for it.
 *
 * The word is (enqueue generation << 2 | state). All changes of state go through settle() or
 * claim(), both atomic, because a decision is taken on any CPU while the task's own CPU may
 * dequeue it and enqueue it again. Whoever changes a word away from HELD counts that generation
 * in the ledger, once.
 */
#ifndef SCXLUA_STATE_BPF_H
#define SCXLUA_STATE_BPF_H

/* Queue ids. Per-CPU ones are base + cpu; custom, never the kernel's local ones. */
enum dsq {
	DSQ_CPU = 1 << 20,    /* decided, for that CPU; by vtime */
	DSQ_HOLD = 2 << 20,   /* enqueued there, waiting for a decision; FIFO */
	DSQ_SHARED = 3 << 20, /* decided, for any CPU; by vtime */
	DSQ_BYPASS,	      /* the built-in policy's; by its own weighted vtime */
	DSQ_STARVED,	      /* waited too long wherever it was; FIFO */
	DSQ_WORKER,	      /* the active worker, when it has yielded */
};

enum task_state {
	TASK_NONE = 0,	  /* running, asleep, or on a queue that no decision is needed for */
	TASK_HELD = 1,	  /* on its hold queue, offered to the policy */
	TASK_DECIDED = 2, /* on the queue that a decision named */
	TASK_STATE_MASK = 3,
};

enum {
	NSEC_PER_MSEC = 1000000,
	WORKER_SLICE_NS = 3 * NSEC_PER_MSEC,
	WORKER_SLICES = 3, /* used up in a row, then others come first, once */
	SHORT_SLICE_NS = 1 * NSEC_PER_MSEC,
	DIRECT_NS = 4 * NSEC_PER_MSEC, /* see is_crowded() */
};

const volatile struct scxlua_config cfg = {
	.hold_ns = 20 * NSEC_PER_MSEC,
	.starve_ns = 500 * NSEC_PER_MSEC,
	.late_ns = 250 * NSEC_PER_MSEC,
	.heartbeat_ns = 100 * NSEC_PER_MSEC,
	.slice_ns = 20 * NSEC_PER_MSEC,
	.max_slice_ns = 100 * NSEC_PER_MSEC,
	.nr_cpu_ids = 1,
};

/* Writable by the supervisor for the dump: name and hash of the running script. */
char script_name[64];
uint64_t script_hash;
char script_error[128];

uint64_t vtime_now; /* the built-in policy's clock: highest vtime that has run; racy, only advances */
uint64_t next_cookie; /* one per thread, never reused */

struct scxlua_exit exit_info;
char exit_dump[1] SEC(".data.exit_dump"); /* resized by the supervisor before load */

struct scxlua_control control SEC(".data.control");
int32_t own_tgid[SCXLUA_NR_OWN];

/* The worker's share, see take_worker(). Written in dispatch and stopping; races cost one turn. */
uint64_t worker_last_run;
uint64_t worker_asked_since; /* when the oldest unserved record came in, 0 = none */
uint32_t worker_hog;	     /* slices it has used up in a row */
int32_t worker_cpu = -1;     /* the CPU it has, if that looks for work next; see claim_idle() */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SCXLUA_RING_BYTES);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, SCXLUA_USER_RING_BYTES);
} verdicts SEC(".maps");

/* One row per CPU and one for the timer; max_entries is set at load. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scxlua_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scx_cpu);
} cpus SEC(".maps");

/* Per CPU, written with its rq locked: who had it last. */
struct turn {
	u64 direct_since; /* since when it runs only what goes past the policy; 0: it does not */
	u32 starved;	  /* whose turn it is where two queues share */
	u32 bypass;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct turn);
} turns SEC(".maps");

struct task_ctx {
	u64 word; /* generation << 2 | enum task_state */
	u64 cookie;
	u64 enqueue_ns; /* since when it waits to run */
	u64 hold_ns;	/* since when it counts as held; 0 = take it at the next occasion */
	u64 start_ns;	/* last got, last left a CPU */
	u64 stop_ns;
	u64 exec_ns;   /* CPU time since it last slept */
	u64 vtime;     /* the built-in policy's, always kept up to date */
	u64 slice_ns;  /* as it got its CPU */
	u64 mask_sent; /* table epoch << 32 | cpumask_seq that the worker knows the affinity of */
	u32 cpumask_seq;
	s32 hold_cpu; /* on whose hold queue it was last put */
	s32 woken;    /* the idle CPU that was woken for it, + 1; 0 = none, or it has run since */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} task_ctxs SEC(".maps");

static __always_inline struct task_ctx *task_ctx(struct task_struct *p)
{
	return bpf_task_storage_get(&task_ctxs, p, 0, 0);
}

static __always_inline struct scxlua_counters *counter_row(u32 row)
{
	return bpf_map_lookup_elem(&counters, &row);
}

static __always_inline struct turn *turn_of(s32 cpu)
{
	u32 zero = 0;

	return bpf_map_lookup_percpu_elem(&turns, &zero, cpu);
}

static __always_inline struct scx_cpu *cpu_row(u32 cpu)
{
	return bpf_map_lookup_elem(&cpus, &cpu);
}

/* Adds one to a counter of this CPU's row. Callers run with interrupts off (ops.*, drain). */
#define count(name)                                                                                \
	do {                                                                                       \
		struct scxlua_counters *row_ = counter_row(bpf_get_smp_processor_id());            \
		if (row_)                                                                          \
			row_->name++;                                                              \
	} while (0)

/* The same for the timer, whose row no op writes. */
#define count_timer(name)                                                                          \
	do {                                                                                       \
		struct scxlua_counters *row_ = counter_row(cfg.nr_cpu_ids);                        \
		if (row_)                                                                          \
			row_->name++;                                                              \
	} while (0)

/* True for every nth call, n > 0; for fault injection. The race is accepted. */
static __always_inline bool every_nth(u32 n, u64 *calls)
{
	return n && ++*calls % n == 0;
}

/*
 * Ends the current generation's state, whatever it is, and returns what it was. The caller
 * that gets TASK_HELD is the one that must count it.
 */
static __always_inline u64 settle(struct task_ctx *tctx)
{
	return __sync_fetch_and_and(&tctx->word, ~(u64)TASK_STATE_MASK) & TASK_STATE_MASK;
}

/* HELD -> DECIDED for one generation. False if it has been settled or is a later one. */
static __always_inline bool claim(struct task_ctx *tctx, u64 seq)
{
	u64 held = seq << 2 | TASK_HELD;

	return __sync_val_compare_and_swap(&tctx->word, held, seq << 2 | TASK_DECIDED) == held;
}

/* Takes a claim back. False if the task was settled meanwhile. */
static __always_inline bool unclaim(struct task_ctx *tctx, u64 seq)
{
	u64 decided = seq << 2 | TASK_DECIDED;

	return __sync_val_compare_and_swap(&tctx->word, decided, seq << 2 | TASK_HELD) == decided;
}

static __always_inline u64 generation(const struct task_ctx *tctx)
{
	return tctx->word >> 2;
}

static __always_inline bool is_worker(const struct task_struct *p)
{
	return p->pid == control.worker_pid;
}

static __always_inline bool is_own(const struct task_struct *p)
{
	s32 tgid = p->tgid;

	return tgid == own_tgid[SCXLUA_OWN_SUPERVISOR] || tgid == own_tgid[SCXLUA_OWN_WORKER0] ||
	       tgid == own_tgid[SCXLUA_OWN_WORKER1];
}

/*
 * Never to user space: what user space may itself be waiting for. All kernel threads unless
 * told otherwise, because a stalled kworker was the first ejection seen; per-CPU ones always.
 * A thread that is ending can no longer be found by the pid that a decision names.
 */
static __always_inline bool is_direct(const struct task_struct *p)
{
	if (p->flags & (PF_MEMALLOC | PF_EXITING))
		return true;
	return (p->flags & PF_KTHREAD) && (!cfg.kthreads || p->nr_cpus_allowed == 1);
}

/* Is there nobody to ask: no worker, one being replaced, or one that shows no sign of life? */
/* To a local queue, or the built-in policy's: see enqueue_direct(). */
static __always_inline bool goes_past(const struct task_struct *p)
{
	return is_direct(p) || p->tgid == own_tgid[SCXLUA_OWN_SUPERVISOR];
}

static __always_inline bool is_bypassed(u64 now)
{
	if (!control.worker_pid || control.bypass)
		return true;
	return !cfg.fault_no_bypass && (s64)(now - control.heartbeat_ns) > (s64)cfg.late_ns;
}

/* Would a task that takes this CPU now overtake somebody who waits for it? */
static __always_inline bool nobody_waits(s32 cpu)
{
	return scx_bpf_dsq_nr_queued(DSQ_SHARED) <= 0 &&
	       scx_bpf_dsq_nr_queued(DSQ_CPU + cpu) <= 0 &&
	       scx_bpf_dsq_nr_queued(DSQ_BYPASS) <= 0 && scx_bpf_dsq_nr_queued(DSQ_STARVED) <= 0;
}

static __always_inline void kick_idle_for(const struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, kernel_enum(scx_kick_flags, SCX_KICK_IDLE));
}

#endif
