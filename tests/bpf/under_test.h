/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * under_test.h - bpf/scxlua.bpf.c itself, compiled natively into the including test, and the
 * few words that set it up. Included once per program.
 */
#ifndef SCXLUA_UNDER_TEST_H
#define SCXLUA_UNDER_TEST_H

#include "kernel_model.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpragmas"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wmissing-variable-declarations"
#else
#pragma GCC diagnostic ignored "-Wold-style-definition"
#endif
#include "scxlua.bpf.c"
#pragma GCC diagnostic pop

enum { WORKER_PID = 50, SUPERVISOR_PID = 40, LOADING_PID = 60 };

#define MS 1000000ull

/* cfg is const so that the verifier prunes. Here it changes, unknown to the compiler. */
static inline volatile struct scxlua_config *config(void)
{
	uintptr_t at = (uintptr_t)&cfg, page = at & ~4095ul;

	mprotect((void *)page, at + sizeof(cfg) - page, PROT_READ | PROT_WRITE);
	__asm__ volatile("" : "+r"(at));
	return (volatile struct scxlua_config *)at;
}

static inline void own(int slot, int tgid)
{
	struct scxlua_op_args args = { .op = SCXLUA_OP_OWN, .arg = slot };

	model.current_tgid = tgid;
	assert_int_equal(scxlua_op(&args), 0);
	assert_int_equal(args.result, tgid);
}

static inline void activate(int slot)
{
	struct scxlua_op_args args = { .op = SCXLUA_OP_ACTIVE, .arg = slot };

	assert_int_equal(scxlua_op(&args), 0);
}

static inline void heartbeat(void)
{
	control.heartbeat_ns = model.now;
}

/* A machine with the scheduler attached, a live worker and a supervisor, everything idle. */
static inline void machine(int nr_cpus)
{
	static struct scxlua_config defaults;
	static int saved;
	int cpu;

	if (!saved)
		defaults = *config();
	saved = 1;
	*config() = defaults;
	config()->nr_cpu_ids = (u32)nr_cpus;
	model_reset(nr_cpus);
	memset(&control, 0, sizeof(control));
	memset(own_tgid, 0, sizeof(own_tgid));
	memset(&exit_info, 0, sizeof(exit_info));
	vtime_now = nr_records = nr_verdicts = nr_targets = 0;
	worker_asked_since = 0;
	worker_last_run = model.now;
	worker_hog = next_cpu = drain_again = 0;
	worker_cpu = -1;
	guarded_ns = 0;
	control.nr_online = (u32)nr_cpus;
	assert_int_equal(scxlua_init(), 0);
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		cpu_row((u32)cpu)->online = 1;
		cpu_row((u32)cpu)->idle = 1;
	}
	own(SCXLUA_OWN_SUPERVISOR, SUPERVISOR_PID);
	own(SCXLUA_OWN_WORKER0, WORKER_PID);
	own(SCXLUA_OWN_WORKER1, LOADING_PID);
	activate(SCXLUA_OWN_WORKER0);
	heartbeat();
}

static inline struct scxlua_counters total(void)
{
	struct scxlua_counters sum = { 0 };
	u32 row;

	for (row = 0; row <= (u32)model.nr_cpus; row++) {
		const u64 *from = (const u64 *)(const void *)counter_row(row);
		size_t i;

		for (i = 0; i < sizeof(sum) / sizeof(u64); i++)
			((u64 *)(void *)&sum)[i] += from[i];
	}
	return sum;
}

static inline struct task_ctx *ctx(struct model_task *t)
{
	return t->storage;
}

/* The decision that answers the task's current enqueue. */
static inline struct scxlua_verdict verdict_for(struct model_task *t, int cpu, u64 vtime)
{
	return (struct scxlua_verdict){ .cookie = ctx(t)->cookie,
					.seq = generation(ctx(t)),
					.slice_ns = 5 * MS,
					.vtime = vtime,
					.pid = t->p.pid,
					.cpu = cpu };
}

static inline void decide(struct model_task *t, int cpu, u64 vtime)
{
	struct scxlua_verdict v = verdict_for(t, cpu, vtime);

	model_verdict(&v);
}

static inline void decide_flags(struct model_task *t, int cpu, u32 flags)
{
	struct scxlua_verdict v = verdict_for(t, cpu, 1);

	v.flags = flags;
	model_verdict(&v);
}

static inline int teardown(void **state)
{
	(void)state;
	model_free();
	return 0;
}

/* Takes the rings' contents back to nothing, so that the worker is not wanted. */
static inline void empty_records(void)
{
	model.record_head = model.record_tail;
}

#endif
