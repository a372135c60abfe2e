/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.h - everything that the BPF scheduler, the C runtime and Lua policies share.
 *
 * This is the only definition of each struct and constant that crosses a boundary. The part
 * between cdef-begin and cdef-end is cut out at build time and handed to LuaJIT's ffi.cdef
 * (SCX_RO becomes `const` there, so a policy that writes a field it does not own gets a Lua
 * error); the rest is between BPF and C. Nothing is copied by hand, and the sizes are checked
 * by both compilers (the asserts at the end), in the tests, and when a worker starts.
 *
 * Versioning: fields are only ever appended; SCXLUA_ABI changes whenever a size does.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC. In what Lua sees they are doubles: a 64-bit
 * integer would become a boxed cdata (57 ns and 24 bytes each), a double holds nanoseconds
 * exactly for 104 days of uptime.
 */
#ifndef SCXLUA_ABI_H
#define SCXLUA_ABI_H

#ifndef __bpf__
#include <stddef.h>
#include <stdint.h>
#endif

#define SCXLUA_ABI 2

#ifndef SCX_RO
#define SCX_RO
#endif

/* cdef-begin */
enum {
	SCX_CPU_ANY = -1, /* as a decision's cpu: the queue that every CPU takes from */
	SCX_NR_DATA = 4,
};

/* scx_task.flags: why the task is being enqueued. */
enum {
	SCX_TASK_WAKEUP = 1,	/* it slept and was woken */
	SCX_TASK_NEW = 2,	/* first enqueue of this thread */
	SCX_TASK_PREEMPTED = 4, /* lost its CPU with slice left */
	SCX_TASK_EXPIRED = 8,	/* used up its slice */
	SCX_TASK_LAST = 16,	/* nothing else was runnable on its CPU */
};

/* scx_decision.flags */
enum {
	SCX_PREEMPT = 1, /* interrupt what runs on the target CPU */
	SCX_IF_IDLE = 2, /* that CPU if it is idle when the kernel applies this, else any */
};

/*
 * One live thread. At a fixed address from its first enqueue until exit_task() has returned,
 * in memory that outlives a reload. Written by the runtime, but for data[] and payload.
 */
struct scx_task {
	SCX_RO int32_t pid;	       /* thread id */
	SCX_RO int32_t tgid;	       /* process id */
	SCX_RO int32_t ppid;	       /* process id of the parent */
	SCX_RO int16_t nice;	       /* -20..19 */
	SCX_RO uint16_t cgroup_weight; /* cpu.weight of its cgroup, 1..10000, 100 = default */
	SCX_RO char comm[16];	       /* thread name, NUL-terminated */
	SCX_RO int32_t cpu;	       /* CPU it last ran on */
	SCX_RO int32_t nr_cpus_allowed;
	SCX_RO uint32_t cpumask_seq; /* changes when its CPU affinity does */
	SCX_RO uint32_t weight;	     /* 1..10000, 100 is nice 0 */
	SCX_RO uint32_t flags;	     /* SCX_TASK_* */
	uint32_t payload;	     /* the policy's own; shown in traces */
	SCX_RO double enqueue_ns;    /* when it became runnable */
	SCX_RO double start_ns;	     /* when it last got a CPU, 0 = never */
	SCX_RO double stop_ns;	     /* when it last left a CPU, 0 = never */
	SCX_RO double exec_ns;	     /* CPU time since it last slept */
	SCX_RO double sum_exec_ns;   /* CPU time since it was created */
	SCX_RO double nvcsw;	     /* voluntary context switches */
	SCX_RO double cgroup_id;     /* of the unified hierarchy */
	SCX_RO double vtime;	     /* of its last decision, 0 = none yet */
	double data[SCX_NR_DATA];    /* the policy's own, 0 for a new thread */

	/* The runtime's own. */
	SCX_RO uint64_t cookie_;	 /* unique per thread since load, 0 = free slot */
	SCX_RO uint64_t seq_;		 /* enqueue generation the next decision answers */
	struct scx_queue *SCX_RO queue_; /* the queue it waits in, or NULL */
	SCX_RO uint32_t index_;		 /* its place in that queue */
	SCX_RO uint32_t held_;		 /* 1 = enqueued and not decided */
	SCX_RO uint64_t order_;		 /* when it was pushed, among equal keys */
};

/*
 * One CPU, indexed by its number. The first group is written by BPF; racy by nature, never torn.
 * The second by the supervisor before a policy is loaded; it does not change.
 */
struct scx_cpu {
	SCX_RO int32_t online;
	SCX_RO int32_t idle;	  /* 1 = in the idle loop, or has nothing but the worker */
	SCX_RO int32_t task_pid;  /* who runs on it, 0 = idle, the worker or another class */
	SCX_RO uint32_t queued;	  /* tasks on this CPU's own queue */
	SCX_RO uint64_t since_ns; /* when that task got the CPU */
	SCX_RO uint64_t slice_ns; /* the slice it got */

	SCX_RO int32_t core;	  /* number of its physical core, 0 and up */
	SCX_RO int32_t sibling;	  /* the next CPU of that core; itself if there is no other */
	SCX_RO int32_t llc;	  /* number of its last-level cache, 0 and up */
	SCX_RO int32_t node;	  /* NUMA node */
	SCX_RO uint32_t capacity; /* 1..1024, 1024 = the fastest */
	SCX_RO uint32_t reserved_[3];
};

/*
 * A decision as the policy states it; every field is checked by the runtime before the kernel
 * sees it. All numbers are doubles, so that NaN, -5 and 1e300 arrive as what they are and
 * are counted instead of being folded into something that looks valid.
 */
struct scx_decision {
	struct scx_task *task;
	double cpu;	 /* SCX_CPU_ANY or 0..nr_cpus-1 */
	double slice_ns; /* 0 = the default slice */
	double vtime;	 /* order within the target queue, lowest first */
	uint32_t flags;	 /* SCX_PREEMPT, SCX_IF_IDLE */
	uint32_t reserved;
};

/* Where scx.dispatch() writes. flush() makes room by validating and committing. */
struct scx_outbox {
	uint32_t n;
	SCX_RO uint32_t cap;
	uint32_t default_slice_us_; /* of a decision with slice_ns = 0; lua/scx.lua checks it */
	SCX_RO uint32_t max_slice_us_;
	double now_ns;			 /* time at the start of the batch */
	struct scx_decision decision[1]; /* cap of them */
};

/* Queues of tasks; hot parts in C, capacity fixed at creation. See queue.h. */
struct scx_queue *scx_heap_new(uint32_t cap);
struct scx_queue *scx_fifo_new(uint32_t cap);
void scx_queue_free(struct scx_queue *q);
int scx_heap_push(struct scx_queue *q, struct scx_task *task, double key);
struct scx_task *scx_heap_pop(struct scx_queue *q);
struct scx_task *scx_heap_peek(const struct scx_queue *q);
double scx_heap_key(const struct scx_queue *q);
int scx_fifo_push(struct scx_queue *q, struct scx_task *task);
struct scx_task *scx_fifo_pop(struct scx_queue *q);
struct scx_task *scx_fifo_peek(const struct scx_queue *q);
int scx_queue_remove(struct scx_queue *q, struct scx_task *task);
uint32_t scx_queue_len(const struct scx_queue *q);
int scx_outbox_flush(void);
double scx_now_ns(void);

/* What a policy can ask while one of its hooks runs; see ask.h. */
int scx_allowed(const struct scx_task *task, double cpu);
int scx_pick_idle(const struct scx_task *task, double llc);
int scx_kick(double cpu, uint32_t flags);
uint32_t scx_nr_held(void);
uint32_t scx_nr_queued(void);
uint32_t scx_nr_running(void);

/* Whom to interrupt; see running.c. */
struct scx_running *scx_running_new(uint32_t nr_cpus);
void scx_running_free(struct scx_running *r);
void scx_running_set(struct scx_running *r, const struct scx_task *task, double rank);
int scx_running_victim(struct scx_running *r, const struct scx_task *task, double rank);
/* cdef-end */

/* ---- BPF and C only from here ---- */

/* What a record in the ring is about. */
enum scxlua_record_kind {
	SCXLUA_REC_ENQUEUE = 1, /* a task is runnable and on its hold queue */
	SCXLUA_REC_EXIT = 2,	/* a thread that was enqueued before is gone; pid and cookie only */
	SCXLUA_REC_CPU = 3,	/* cpu went online (flags = 1) or offline (flags = 0) */
	SCXLUA_REC_AFFINITY = 4, /* struct scxlua_affinity; before the enqueue that it holds for */
};

/* BPF -> worker, in the record ring. */
struct scxlua_record {
	uint32_t kind;
	uint32_t flags; /* SCX_TASK_* */
	int32_t pid;
	int32_t tgid;
	uint64_t cookie; /* unique per thread since load: guards against pid reuse */
	uint64_t seq;	 /* enqueue generation of that thread: guards against stale decisions */
	int32_t ppid;
	int16_t nice;
	uint16_t cgroup_weight;
	int32_t cpu;
	int32_t nr_cpus_allowed;
	uint32_t cpumask_seq;
	uint32_t weight;
	uint64_t enqueue_ns;
	uint64_t start_ns;
	uint64_t stop_ns;
	uint64_t exec_ns;
	uint64_t sum_exec_ns;
	uint64_t nvcsw;
	uint64_t cgroup_id;
	char comm[16];
};

enum { SCXLUA_MASK_WORDS = 12 };

/*
 * BPF -> worker, in the record ring: on which CPUs a thread may run, a part of them. Sent when
 * that is not all of them, or has changed; the worker takes a thread it knows nothing of to be
 * free to run anywhere.
 */
struct scxlua_affinity {
	uint32_t kind;
	uint32_t first; /* CPU that bit 0 of mask[0] is, a multiple of 64 */
	int32_t pid;
	uint32_t reserved;
	uint64_t cookie;
	uint64_t reserved2;
	uint64_t mask[SCXLUA_MASK_WORDS];
};

enum scxlua_verdict_kind {
	SCXLUA_VERDICT_TASK = 0, /* where and when the task runs */
	SCXLUA_VERDICT_KICK = 1, /* wake the CPU, or with SCX_PREEMPT interrupt it; no task */
};

/* worker -> BPF, in the user ring. */
struct scxlua_verdict {
	uint64_t cookie;
	uint64_t seq;
	uint64_t slice_ns; /* already clamped, never 0 */
	uint64_t vtime;
	int32_t pid;
	int32_t cpu; /* SCX_CPU_ANY or < nr_cpu_ids */
	uint32_t flags;
	uint32_t kind; /* enum scxlua_verdict_kind */
};

/* Fixed at load, in read-only memory. */
struct scxlua_config {
	uint64_t hold_ns;      /* an undecided task older than this may be taken by an idle CPU */
	uint64_t starve_ns;    /* one that has not run for this long goes first */
	uint64_t late_ns;      /* a worker that gave no sign of life for this long is bypassed */
	uint64_t heartbeat_ns; /* the worker runs at least this often */
	uint64_t slice_ns;     /* default slice */
	uint64_t max_slice_ns;
	uint32_t nr_cpu_ids;
	uint32_t kthreads;	/* 1 = kernel threads go through the policy too, but per-CPU ones */
	uint32_t exit_dump_len; /* bytes of the dump to keep, 0 = none */

	/* Fault injection, 0 = off; each proves that a guard is needed or works. */
	uint32_t fault_drop;	  /* lose every nth verdict */
	uint32_t fault_ring_full; /* every nth record finds the ring full */
	uint32_t fault_wrong_cpu; /* every nth verdict names a CPU out of range */
	uint32_t fault_no_drain;  /* verdicts are never taken */
	uint32_t fault_no_age;	  /* no age-out */
	uint32_t fault_no_starve; /* no starvation guard */
	uint32_t fault_no_stale;  /* no sequence and cookie check */
	uint32_t fault_no_bypass; /* a late worker is not bypassed */
	uint32_t fault_unsafe;	  /* the verifier finds a reference that is never released */
};

/* Shared words, each group on its own cache line, with one writer each. */
struct scxlua_control {
	/* written by the supervisor */
	uint32_t builtin_idle; /* 1 = a wakeup that finds an idle CPU takes it at once */
	uint32_t bypass;       /* 1 = do not ask the worker (it died, or is being replaced) */
	uint32_t generation;   /* of the running script; 1, 2, ... */
	uint32_t drain_off;    /* 1 = leave the decision ring alone, it is being repaired */
	uint32_t table_epoch;  /* changes when the task table is emptied: send affinities again */
	uint32_t pad0[11];

	/* written by the active worker */
	uint64_t heartbeat_ns; /* begin or end of its last cycle */
	uint32_t held;	       /* tasks that the policy would dispatch if there were room */
	uint32_t stalled;      /* 1 = its last cycle had nothing to do */
	uint32_t busy;	       /* 1 = in the middle of a cycle: it must run on, not wait for work */
	uint32_t pad1;
	uint64_t due_ns; /* when it wants a turn though nothing happens, 0 = at no time */
	uint32_t pad2[8];

	/* written by BPF */
	uint32_t shared_depth; /* tasks on the shared queue when the worker was last picked */
	uint32_t nr_online;
	int32_t worker_pid;	   /* active worker in the initial PID namespace, 0 = none */
	uint32_t lost_exits;	   /* exit records that found the ring full */
	uint64_t applied_slice_ns; /* slice of the last decided task that got a CPU */
	uint32_t pad3[10];
};

/*
 * Counters of the BPF side: one row per CPU, written by that CPU alone with interrupts off,
 * summed by the supervisor. The timer and the control programs have the row after the last CPU.
 * The ledger: queued = decided + aged_out + cancelled + exited, exactly, once detached.
 */
#define SCXLUA_BPF_COUNTERS(X)                                                                     \
	X(queued, "tasks handed to the policy")                                                    \
	X(decided, "decisions applied")                                                            \
	X(aged_out, "tasks taken by the kernel because no decision came in time")                  \
	X(cancelled, "tasks that left their queue undecided (affinity, priority or class change)") \
	X(exited, "threads that ended undecided")                                                  \
	X(direct, "wakeups placed on an idle CPU without asking the policy")                       \
	X(direct_kernel,                                                                           \
	  "kernel threads, memory reclaim, ending threads: never sent to the policy")              \
	X(bypassed, "tasks scheduled by the built-in policy while no worker was active")           \
	X(congested, "tasks scheduled by the built-in policy because the record ring was full")    \
	X(stale, "decisions for an earlier enqueue of the task")                                   \
	X(gone, "decisions for a thread that no longer exists, or whose pid has a new owner")      \
	X(late, "decisions for a task that was taken off its hold queue meanwhile")                \
	X(early, "decisions given up because the task was not yet on its hold queue")              \
	X(malformed, "samples in the decision ring that were not decisions")                       \
	X(bounced, "decisions for a CPU that the task may not use, sent to the task's own CPU")    \
	X(idle_missed, "decisions for an idle CPU that was busy by then, sent to any CPU")         \
	X(kicks, "CPUs woken or interrupted because the policy asked")                             \
	X(starved, "tasks moved ahead because they had not run within the starve limit")           \
	X(kept, "times a task got a new slice because nothing else was waiting")                   \
	X(worker_runs, "times the worker was given a CPU")                                         \
	X(drain_busy, "drains that found another CPU draining")                                    \
	X(injected, "faults injected")

struct scxlua_counters {
#define SCXLUA_FIELD(name, help) uint64_t name;
	SCXLUA_BPF_COUNTERS(SCXLUA_FIELD)
#undef SCXLUA_FIELD
};

/* How the scheduler ended, filled by ops.exit. Kinds are the kernel's (enum scx_exit_kind). */
struct scxlua_exit {
	int32_t kind; /* 0 = still attached or never was */
	uint32_t reserved;
	int64_t code;
	char reason[128];
	char msg[1024];
};

/* Argument of the control programs, run by BPF_PROG_TEST_RUN. */
enum scxlua_op {
	SCXLUA_OP_OWN = 1,    /* the calling process is scxlua's own, in slot arg */
	SCXLUA_OP_ACTIVE = 2, /* the process in slot arg is the active worker; arg < 0: none */
	SCXLUA_OP_ALIVE = 3,  /* does thread pid with cookie still exist? result 0 or 1 */
};

enum {
	SCXLUA_OWN_SUPERVISOR = 0, /* slots of SCXLUA_OP_OWN: the supervisor ... */
	SCXLUA_OWN_WORKER0 = 1,	   /* ... and two for workers, old and new during a reload */
	SCXLUA_OWN_WORKER1 = 2,
	SCXLUA_NR_OWN = 3,
};

struct scxlua_op_args {
	uint32_t op;
	int32_t arg;
	int32_t pid;
	int32_t result;
	uint64_t cookie;
};

#define SCXLUA_RING_BYTES (4u << 20) /* record ring, power of two */
#define SCXLUA_USER_RING_BYTES (2u << 20)

_Static_assert(sizeof(struct scx_task) == 192, "struct scx_task changed: bump SCXLUA_ABI");
_Static_assert(sizeof(struct scx_cpu) == 64, "one cache line per CPU");
_Static_assert(sizeof(struct scxlua_record) == 128, "struct scxlua_record changed");
_Static_assert(sizeof(struct scxlua_affinity) == sizeof(struct scxlua_record), "one size");
_Static_assert(sizeof(struct scxlua_verdict) == 48, "struct scxlua_verdict changed");
_Static_assert(sizeof(struct scxlua_control) == 192, "three cache lines");

#endif
