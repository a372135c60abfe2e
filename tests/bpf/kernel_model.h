/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_model.h - as much of a sched_ext kernel as the BPF can tell from a real one: tasks,
 * dispatch queues, CPUs with local queues, idle masks, rings, one timer, a clock. Single
 * threaded; what another CPU does in the middle of an op is a hook that a test sets.
 *
 * The contracts that the kernel enforces by ejecting the scheduler, or by losing a task, fail
 * the test at once: a second insert, none, mixed queues, an iterator left open, a task
 * reference or a record never given back.
 */
#ifndef SCXLUA_KERNEL_MODEL_H
#define SCXLUA_KERNEL_MODEL_H

#include "../unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The BPF has its own names for these, and they need not be the C library's types. */
#define int32_t bpf_int32_t
#define uint32_t bpf_uint32_t
#define int64_t bpf_int64_t
#define uint64_t bpf_uint64_t
#define __bpf__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wpragmas"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wunknown-attributes"
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include "scx.bpf.h"
#include "abi.h"
#pragma GCC diagnostic pop

enum {
	MODEL_CPUS = 4,
	MODEL_TASKS = 1024,
	MODEL_QUEUES = 512,
	MODEL_STORAGE = 256, /* bytes of task storage at most */
	MODEL_SAMPLES = 4096,
	MODEL_RECORDS = 4096,
	MODEL_ROWS = 8,
};

struct model_task {
	struct task_struct p; /* first: the BPF's pointer is ours */
	struct cpumask mask;
	struct task_struct parent;
	struct css_set css;
	struct cgroup cgroup;
	struct kernfs_node node;
	struct task_group group;
	void *storage;
	struct model_dsq *dsq;
	struct model_task *next, *prev;
	u64 dsq_seq;
	u64 insert_dsq; /* asked for in select_cpu or enqueue, 0 = nothing yet */
	u64 insert_flags;
	u64 runnable_ns;
	int insert_vtime;
	int cpu;
	int running;
	int refs;
	int alive;
	int slot;
	u64 longest_wait_ns;
};

struct model_dsq {
	u64 id;
	int used;
	int count;
	u64 seq;
	struct model_task *first, *last;
	int kind; /* of what is on it: 0 = empty, 1 = FIFO, 2 = vtime */
};

struct model_cpu {
	struct model_dsq local;
	struct model_task *curr;
	u64 updated_ns;
	int online;
	int idle; /* in the mask */
	int resched;
	int kicks_idle, kicks_preempt;
};

struct model_sample {
	u64 bytes[8];
	u32 size;
};

struct model {
	u64 now;
	int nr_cpus;
	int this_cpu;
	int old_kernel; /* 1 = as 6.12 names things */
	struct model_cpu cpu[MODEL_CPUS];
	struct model_dsq dsq[MODEL_QUEUES];
	struct model_dsq global;
	struct model_task *task[MODEL_TASKS];
	struct model_task *enqueueing; /* inside ops.select_cpu or ops.enqueue */
	int open_iters, reserved, refs, rcu;
	struct model_sample sample[MODEL_SAMPLES];
	u32 sample_head, sample_tail;
	int draining;
	int drain_busy; /* tests: the next drains find another CPU at it */
	struct scxlua_record record[MODEL_RECORDS];
	u32 record_head, record_tail;
	u32 record_cap;
	void *rows[16];
	void *row_map[16];
	model_timer_cb timer;
	u64 timer_at;
	int storage_fails;
	int current_tgid;
	int fatal; /* the scheduler would have been ejected */
	char dump[4096];
	/* What another CPU does meanwhile. Cleared before it is called. */
	void (*on_iter_new)(void);
	int on_iter_new_after; /* so many calls later */
	void (*on_insert)(void);
	void (*on_submit)(void);
	void (*on_read)(void);
	int in_hook;
};

extern struct model model;

/* The scheduler core's side, for tests. */
void model_reset(int nr_cpus);
void model_free(void);
void model_check(void); /* nothing left open */
struct model_task *model_fork(int pid, int tgid, u64 mask);
void model_wake(struct model_task *t);
void model_enqueue(struct model_task *t, u64 flags);
void model_finish_insert(struct model_task *t); /* that an op has asked for; a hook may be first */
void model_schedule(int cpu);
void model_run_all(void);     /* schedule() wherever one is due */
void model_dispatch(int cpu); /* ops.dispatch alone, nothing is picked */
void model_advance(u64 ns);
void model_tick(int cpu);
void model_sleep(struct model_task *t);
void model_yield(struct model_task *t);
void model_preempt(struct model_task *t);
void model_setaffinity(struct model_task *t, u64 mask);
void model_exit(struct model_task *t);
void model_exit_all(void);
void model_hotplug(int cpu, int online);
void model_timer_fire(void);
void model_verdict(const struct scxlua_verdict *v);
int model_take_record(struct scxlua_record *rec); /* 0 = none */
struct model_dsq *model_queue(u64 id);
u64 model_where(const struct model_task *t); /* queue id; local = SCX_DSQ_LOCAL, 0 = none */

#endif
