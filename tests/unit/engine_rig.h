/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine_rig.h - an engine between two rings that the test has both ends of: it writes records and
 * reads verdicts one by one, and the policy, in C, notes what it is told.
 */
#ifndef SCXLUA_ENGINE_RIG_H
#define SCXLUA_ENGINE_RIG_H

#include "unit.h"

#include "engine.h"
#include "queue.h"

enum {
	NR_CPUS = 4,
	SLOTS = 64,
	RING_BYTES = 1 << 19,
	USER_BYTES = 1 << 14,
	ROOM = USER_BYTES / 56, /* verdicts that fit */
	MS = 1000000,
	DEFAULT_SLICE = 5 * MS,
	MAX_SLICE = 100 * MS,
	MIN_SLICE = MS / 10,
};

/* What the policy saw, and what it is to do. */
struct rig {
	uint64_t in_consumer, in_producer, out_consumer, out_producer;
	uint8_t *in_data, *out_data;
	struct ring in;
	struct uring out;
	struct scx_cpu cpus[NR_CPUS];
	struct scxlua_control control;
	struct table *table;
	struct engine *engine;
	struct engine_stats stats;
	struct policy policy;
	struct policy_ops ops;
	struct engine_progress progress;

	struct scx_task *told[4 * ENGINE_BATCH];
	uint32_t nr_told;
	char calls[64]; /* one letter per hook called: e d x + - t */
	uint32_t room;	/* of the last dispatch() */
	int64_t ret;	/* of the next calls */
	struct scx_queue *queue;
};

extern struct rig rig;
extern const struct engine_config rig_config;

int rig_set_up(void **state);
int rig_tear_down(void **state);

/* The policy's hooks, for a test's own to call. */
int rig_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n);
int rig_dispatch(struct policy *p, uint32_t room);
int rig_tick(struct policy *p, uint64_t now_ns);

/* The kernel's side. take_verdict(): 0 = there is none. */
void put_enqueue(uint64_t cookie, uint64_t seq, uint64_t enqueue_ns, uint64_t start_ns);
void put_event(uint32_t kind, uint64_t cookie, int32_t cpu, uint32_t flags);
int take_verdict(struct scxlua_verdict *v);

/* The policy's side. */
void decide(struct scx_task *task, double cpu, double slice, double vtime, uint32_t flags);
struct scx_task *one_task(uint64_t cookie); /* that the policy has been told of */

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_set_up, rig_tear_down)

#endif
