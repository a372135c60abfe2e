/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rig.h - an engine between two rings in plain memory, for fuzzers: what is put in, what may come
 * out. The rings are mapped twice in a row like the kernel's, so that a sample may wrap.
 */
#ifndef SCXLUA_FUZZ_RIG_H
#define SCXLUA_FUZZ_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine.h"
#include "queue.h"

enum { RIG_CPUS = 8, RIG_SLOTS = 64, RIG_IN = 1 << 16, RIG_OUT = 1 << 14, RIG_MS = 1000000 };

struct rig {
	uint64_t in_consumer, in_producer, out_consumer, out_producer;
	uint8_t *in_data, *out_data;
	struct ring in;
	struct uring out;
	struct scx_cpu cpus[RIG_CPUS];
	struct scxlua_control control;
	struct table *table;
	struct engine *engine;
	struct engine_stats stats;
	struct policy policy;
	struct policy_ops ops;
	struct scx_queue *queue;
};

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline uint8_t *rig_mirror(size_t bytes)
{
	int fd = memfd_create("fuzz", 0), prot = PROT_READ | PROT_WRITE;
	uint8_t *at = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(fd >= 0 && !ftruncate(fd, (off_t)bytes) && at != MAP_FAILED);
	MUST(mmap(at, bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED);
	MUST(mmap(at + bytes, bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED);
	close(fd);
	return at;
}

static inline void rig_open(struct rig *r)
{
	const struct engine_config cfg = { .slice_ns = 5 * RIG_MS,
					   .max_slice_ns = 100 * RIG_MS,
					   .min_slice_ns = RIG_MS / 20 };
	struct engine_view view = { r->cpus, RIG_CPUS, &r->control };
	static uint8_t *in, *out;

	memset(r, 0, sizeof(*r));
	in = in ? in : rig_mirror(RIG_IN);
	out = out ? out : rig_mirror(RIG_OUT);
	r->in_data = in;
	r->out_data = out;
	r->in = (struct ring){ .consumer_pos = &r->in_consumer,
			       .producer_pos = &r->in_producer,
			       .data = in,
			       .mask = RIG_IN - 1 };
	r->out = (struct uring){ .consumer_pos = &r->out_consumer,
				 .producer_pos = &r->out_producer,
				 .data = out,
				 .mask = RIG_OUT - 1 };
	for (int i = 0; i < RIG_CPUS; i++)
		r->cpus[i] = (struct scx_cpu){ .online = i != 3, .idle = i & 1, .sibling = i ^ 1 };
	r->control.nr_online = RIG_CPUS - 1;
	r->table = table_new(RIG_SLOTS, RIG_CPUS);
	r->engine = engine_new(&cfg, &view, &r->in, &r->out, r->table, &r->stats);
	r->queue = scx_heap_new(RIG_SLOTS / 2);
	MUST(r->engine && r->queue);
}

static inline void rig_close(struct rig *r)
{
	scx_queue_free(r->queue);
	engine_free(r->engine);
	table_free(r->table);
}

/* Takes every verdict, which must be one that BPF can be given whatever the policy said. */
static inline uint64_t rig_take(struct rig *r)
{
	uint64_t n = 0;

	while (r->out_consumer < r->out_producer) {
		const uint8_t *at = r->out_data + (r->out_consumer & (RIG_OUT - 1));
		struct scxlua_verdict v;
		uint32_t len;

		memcpy(&len, at, sizeof(len));
		MUST(len == sizeof(v));
		memcpy(&v, at + 8, sizeof(v));
		MUST(v.cpu >= SCX_CPU_ANY && v.cpu < RIG_CPUS && v.cpu != 3);
		MUST(!(v.flags & ~(uint32_t)(SCX_PREEMPT | SCX_IF_IDLE)));
		if (v.kind == SCXLUA_VERDICT_TASK) {
			MUST(v.slice_ns >= RIG_MS / 20 && v.slice_ns <= 100 * RIG_MS);
			MUST(v.vtime <= INT64_MAX);
			n++;
		}
		r->out_consumer += 8 + sizeof(v);
	}
	return n;
}

/* The engine's count of held tasks is what the table says. */
static inline void rig_check(const struct rig *r)
{
	struct scx_task *task;
	uint32_t pos = 0, held = 0;

	while ((task = table_next(r->table, &pos)))
		held += task->held_;
	MUST(r->control.held <= held || !r->ops.dispatch);
}

#endif
