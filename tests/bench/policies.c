// SPDX-License-Identifier: GPL-2.0-only
/*
 * policies.c - policies/fifo.lua and policies/vtime.lua line by line in C: the same decisions
 * through the same outbox and queue, so that what differs is the language.
 */
#include "bench.h"
#include "queue.h"

enum { SLICE_NS = 5000000 };

static bool decide(struct c_policy *c, struct scx_task *task, double vtime)
{
	struct scx_outbox *outbox = engine_outbox(c->engine);

	if (outbox->n >= outbox->cap && scx_outbox_flush() > 0 && outbox->n >= outbox->cap)
		return false;
	outbox->decision[outbox->n++] = (struct scx_decision){
		.task = task, .cpu = SCX_CPU_ANY, .slice_ns = SLICE_NS, .vtime = vtime
	};
	return true;
}

static int fifo_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	struct c_policy *c = p->self;
	double now = engine_outbox(c->engine)->now_ns;

	for (uint32_t i = 0; i < n; i++)
		decide(c, tasks[i], now);
	return 0;
}

static double charge(struct c_policy *c, struct scx_task *task)
{
	double v = task->data[0];
	double used = task->sum_exec_ns - task->data[1];

	task->data[1] = task->sum_exec_ns;
	if (v == 0)
		v = c->vnow;
	else if (used > 0)
		v += used * 100 / task->weight;
	if (v < c->vnow - SLICE_NS)
		v = c->vnow - SLICE_NS;
	else if (!(v < c->vnow + SLICE_NS * 100.0))
		v = c->vnow + SLICE_NS * 100.0;
	task->data[0] = v;
	return v;
}

static int vtime_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	struct c_policy *c = p->self;

	for (uint32_t i = 0; i < n; i++) {
		double v = charge(c, tasks[i]);

		if (scx_heap_push(c->queue, tasks[i], v))
			decide(c, tasks[i], v);
	}
	return 0;
}

static int vtime_dispatch(struct policy *p, uint32_t room)
{
	struct c_policy *c = p->self;

	for (uint32_t i = 0; i < room; i++) {
		struct scx_task *task = scx_heap_peek(c->queue);

		if (!task || !decide(c, task, task->data[0]))
			break;
		scx_heap_pop(c->queue);
		if (task->data[0] > c->vnow)
			c->vnow = task->data[0];
	}
	return (int)scx_queue_len(c->queue);
}

const struct policy_ops c_fifo_ops = { .enqueue = fifo_enqueue };
const struct policy_ops c_vtime_ops = { .enqueue = vtime_enqueue, .dispatch = vtime_dispatch };
