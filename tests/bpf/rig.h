/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rig.h - what the tests of single ops begin with: a task here, a busy machine there, and where a
 * task is now. Included once per program, as under_test.h is.
 */
#ifndef SCXLUA_BPF_RIG_H
#define SCXLUA_BPF_RIG_H

#include "under_test.h"

enum { LOCAL_ID = 1 }; /* what at() says for the kernel's local queue */

/* Where a task is, short: queue ids as the BPF has them. */
static inline u64 at(const struct model_task *t)
{
	u64 id = model_where(t);

	return id == SCX_DSQ_LOCAL ? LOCAL_ID : id;
}

static inline struct model_task *plain(int pid, u64 mask)
{
	struct model_task *t = model_fork(pid, pid, mask);

	assert_non_null(t);
	return t;
}

/* A CPU-bound task on each CPU that does not go through the policy, so nothing is idle. */
static inline void busy(void)
{
	int cpu;

	for (cpu = 0; cpu < model.nr_cpus; cpu++) {
		struct model_task *t = plain(900 + cpu, 1ull << cpu);

		t->p.flags = PF_KTHREAD;
		model_wake(t);
		model_run_all();
		assert_true(t->running);
		t->p.scx.slice = ~0ull;
	}
}

static inline struct model_task *worker(void)
{
	struct model_task *w = model_fork(WORKER_PID, WORKER_PID, ~0ull);

	assert_non_null(w);
	return w;
}

/* One task on its hold queue, every CPU busy. */
static inline struct model_task *held(int pid, u64 mask)
{
	struct model_task *t = plain(pid, mask);

	model_wake(t);
	assert_int_equal(at(t), DSQ_HOLD + t->cpu);
	return t;
}

/* Takes the record, which must be about the affinity of `t`. */
static inline void take_affinity(const struct model_task *t, u64 mask)
{
	struct scxlua_record rec;
	struct scxlua_affinity a;

	assert_true(model_take_record(&rec));
	memcpy(&a, &rec, sizeof(a));
	assert_int_equal(a.kind, SCXLUA_REC_AFFINITY);
	assert_int_equal(a.pid, t->p.pid);
	assert_int_equal(a.cookie, ((struct task_ctx *)t->storage)->cookie);
	assert_int_equal(a.first, 0);
	assert_int_equal(a.mask[0] & 3, mask);
}

static inline void take_enqueue(const struct model_task *t)
{
	struct scxlua_record rec;

	assert_true(model_take_record(&rec));
	assert_int_equal(rec.kind, SCXLUA_REC_ENQUEUE);
	assert_int_equal(rec.pid, t->p.pid);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

#endif
