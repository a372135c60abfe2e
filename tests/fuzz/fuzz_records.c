// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_records.c - any bytes as the record ring, samples well formed and not, with a policy that
 * queues tasks and asks about them.
 *
 * The input is a run of steps: a byte that says what (a whole record, one with a wrong length, a
 * busy or discarded sample, a position of the producer, a cycle), then its bytes.
 */
#define _GNU_SOURCE
#include "rig.h"

static struct rig r;

static int on_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	for (uint32_t i = 0; i < n; i++) {
		int cpu = scx_pick_idle(tasks[i], -1);

		MUST(tasks[i]->held_ && !tasks[i]->queue_);
		MUST(cpu == SCX_CPU_ANY || scx_allowed(tasks[i], cpu));
		if (scx_heap_push(r.queue, tasks[i], tasks[i]->enqueue_ns))
			return -1;
	}
	return 0;
}

static int on_dispatch(struct policy *p, uint32_t room)
{
	struct scx_outbox *o = engine_outbox(r.engine);
	struct scx_task *task;

	(void)p;
	while (room-- && o->n < o->cap && (task = scx_heap_pop(r.queue)))
		o->decision[o->n++] =
			(struct scx_decision){ task, task->cpu, 0, task->exec_ns, 0, 0 };
	return (int)scx_queue_len(r.queue);
}

static int on_exit_task(struct policy *p, struct scx_task *task)
{
	(void)p;
	MUST(!task->queue_ && !task->held_);
	return 0;
}

static int on_cpu(struct policy *p, int cpu, int online)
{
	(void)p;
	return cpu + online < 0 ? -1 : 0;
}

static void put(const uint8_t *bytes, size_t n, uint32_t header)
{
	uint8_t *at = r.in_data + (r.in_producer & (RIG_IN - 1));
	uint32_t words[2] = { header, 0 };

	if (r.in_producer - r.in_consumer > RIG_IN / 2)
		return;
	memcpy(at, words, 8);
	memset(at + 8, 0, sizeof(struct scxlua_record));
	memcpy(at + 8, bytes, n);
	r.in_producer += 8 + sizeof(struct scxlua_record);
}

static uint32_t first_word(const uint8_t *data, size_t n)
{
	uint32_t word = 0;

	memcpy(&word, data, n < sizeof(word) ? n : sizeof(word));
	return word;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint32_t whole = sizeof(struct scxlua_record);

	rig_open(&r);
	r.ops = (struct policy_ops){ .enqueue = on_enqueue,
				     .dispatch = on_dispatch,
				     .exit_task = on_exit_task,
				     .cpu_event = on_cpu };
	r.policy.ops = &r.ops;
	engine_set_policy(r.engine, &r.policy);
	while (size > 0) {
		uint8_t step = *data++ % 8;
		size_t n = --size < whole ? size : whole;

		switch (step) {
		case 0: /* a header of any length and any flags */
			put(data, n, first_word(data, n));
			break;
		case 1: /* still being written, or given up */
			put(data, n, whole | (n && *data & 1 ? 1u << 31 : 1u << 30));
			break;
		case 2:
			n = 0;
			engine_cycle(r.engine);
			rig_take(&r);
			rig_check(&r);
			break;
		default:
			put(data, n, whole);
		}
		data += n;
		size -= n;
	}
	engine_cycle(r.engine);
	rig_take(&r);
	rig_check(&r);
	rig_close(&r);
	return 0;
}
