// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_decisions.c - any bytes as what a policy left in the outbox, its length included, for tasks
 * that are held, decided, gone, and none at all. What comes out must be fit for BPF.
 */
#define _GNU_SOURCE
#include "rig.h"

enum { NR_TASKS = 16 };

static struct rig r;

static int on_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	(void)tasks;
	return (int)n;
}

static void put(uint32_t kind, uint64_t cookie)
{
	struct scxlua_record rec = {
		.kind = kind, .pid = (int32_t)cookie, .cookie = cookie, .seq = 1
	};
	uint8_t *at = r.in_data + (r.in_producer & (RIG_IN - 1));
	uint32_t words[2] = { sizeof(rec), 0 };

	memcpy(at, words, 8);
	memcpy(at + 8, &rec, sizeof(rec));
	r.in_producer += 8 + sizeof(rec);
}

/* Mostly one of the tasks; else somewhere in the table, or anywhere. */
static struct scx_task *pick(uint64_t bits)
{
	struct scx_task *first = table_find(r.table, 1);

	if (bits % 4 || !first)
		return table_find(r.table, 1 + bits / 4 % NR_TASKS);
	if (bits % 8)
		return (struct scx_task *)(void *)((char *)first + (int16_t)(bits >> 16));
	return (struct scx_task *)(uintptr_t)bits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scx_outbox *o;
	uint32_t n = 0;

	rig_open(&r);
	r.ops.enqueue = on_enqueue;
	r.policy.ops = &r.ops;
	engine_set_policy(r.engine, &r.policy);
	o = engine_outbox(r.engine);
	for (uint64_t cookie = 1; cookie <= NR_TASKS; cookie++)
		put(SCXLUA_REC_ENQUEUE, cookie);
	engine_cycle(r.engine);
	put(SCXLUA_REC_EXIT, 7);
	for (; size >= 40 && n < ENGINE_OUTBOX; data += 40, size -= 40, n++) {
		struct scx_decision *d = &o->decision[n];
		uint64_t bits;

		memcpy(&bits, data, 8);
		d->task = pick(bits);
		memcpy(&d->cpu, data + 8, 8);
		memcpy(&d->slice_ns, data + 16, 8);
		memcpy(&d->vtime, data + 24, 8);
		memcpy(&d->flags, data + 32, 4);
		memcpy(&o->default_slice_us_, data + 36, 4);
	}
	o->n = n;
	if (size >= sizeof(o->n))
		memcpy(&o->n, data, sizeof(o->n));
	engine_flush(r.engine);
	MUST(rig_take(&r) == r.stats.committed);
	MUST(r.stats.committed <= NR_TASKS);
	engine_cycle(r.engine); /* the exit; what is left in the outbox is about others */
	rig_take(&r);
	rig_check(&r);
	rig_close(&r);
	return 0;
}
