// SPDX-License-Identifier: GPL-2.0-only
/*
 * engine_rig.c - see engine_rig.h. The rings are plain memory of twice the size, where a sample
 * that wraps just runs on.
 */
#include "engine_rig.h"

#include <stdlib.h>
#include <string.h>

struct rig rig;

const struct engine_config rig_config = { .slice_ns = DEFAULT_SLICE,
					  .max_slice_ns = MAX_SLICE,
					  .min_slice_ns = MIN_SLICE };

static void note(char what)
{
	size_t len = strlen(rig.calls);

	if (len + 1 < sizeof(rig.calls))
		rig.calls[len] = what;
}

int rig_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	note('e');
	assert_int_equal(rig.progress.in_hook, HOOK_ENQUEUE);
	for (uint32_t i = 0; i < n; i++) {
		assert_null(tasks[i]->queue_);
		assert_int_equal(tasks[i]->held_, 1);
		rig.told[rig.nr_told++ % (4 * ENGINE_BATCH)] = tasks[i];
		if (rig.queue)
			scx_heap_push(rig.queue, tasks[i], tasks[i]->enqueue_ns);
	}
	return (int)rig.ret;
}

int rig_dispatch(struct policy *p, uint32_t room)
{
	(void)p;
	note('d');
	assert_int_equal(rig.progress.in_hook, HOOK_DISPATCH);
	rig.room = room;
	return (int)rig.ret;
}

static int rig_exit_task(struct policy *p, struct scx_task *task)
{
	(void)p;
	note('x');
	assert_int_equal(rig.progress.in_hook, HOOK_EXIT_TASK);
	assert_null(task->queue_);
	assert_int_equal(task->held_, 0);
	return (int)rig.ret;
}

static int rig_cpu_event(struct policy *p, int cpu, int online)
{
	(void)p;
	assert_int_equal(cpu, 2);
	note(online ? '+' : '-');
	return (int)rig.ret;
}

int rig_tick(struct policy *p, uint64_t now_ns)
{
	(void)p;
	assert_true((double)now_ns <= scx_now_ns());
	note('t');
	return (int)rig.ret;
}

static void rig_rings(void)
{
	rig.in_data = calloc(2, RING_BYTES);
	rig.out_data = calloc(2, USER_BYTES);
	rig.in = (struct ring){ .consumer_pos = &rig.in_consumer,
				.producer_pos = &rig.in_producer,
				.data = rig.in_data,
				.mask = RING_BYTES - 1 };
	rig.out = (struct uring){ .consumer_pos = &rig.out_consumer,
				  .producer_pos = &rig.out_producer,
				  .data = rig.out_data,
				  .mask = USER_BYTES - 1 };
}

int rig_set_up(void **state)
{
	struct engine_view view = { rig.cpus, NR_CPUS, &rig.control };

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig_rings();
	for (int i = 0; i < NR_CPUS; i++)
		rig.cpus[i].online = i != 3;
	rig.control.nr_online = NR_CPUS - 1;
	rig.table = table_new(SLOTS, NR_CPUS);
	rig.engine = engine_new(&rig_config, &view, &rig.in, &rig.out, rig.table, &rig.stats);
	rig.ops = (struct policy_ops){ .enqueue = rig_enqueue,
				       .dispatch = rig_dispatch,
				       .exit_task = rig_exit_task,
				       .cpu_event = rig_cpu_event };
	rig.policy.ops = &rig.ops;
	engine_set_policy(rig.engine, &rig.policy);
	engine_set_progress(rig.engine, &rig.progress);
	return rig.in_data && rig.out_data && rig.engine ? 0 : -1;
}

int rig_tear_down(void **state)
{
	(void)state;
	scx_queue_free(rig.queue);
	engine_free(rig.engine);
	table_free(rig.table);
	free(rig.in_data);
	free(rig.out_data);
	return 0;
}

static void put_record(const struct scxlua_record *rec)
{
	uint8_t *at = rig.in_data + (rig.in_producer & (RING_BYTES - 1));
	uint32_t header[2] = { sizeof(*rec), 0 };

	memcpy(at, header, 8);
	memcpy(at + 8, rec, sizeof(*rec));
	rig.in_producer += 8 + sizeof(*rec);
}

void put_enqueue(uint64_t cookie, uint64_t seq, uint64_t enqueue_ns, uint64_t start_ns)
{
	struct scxlua_record rec = { .kind = SCXLUA_REC_ENQUEUE,
				     .pid = (int32_t)cookie,
				     .cookie = cookie,
				     .seq = seq,
				     .enqueue_ns = enqueue_ns,
				     .start_ns = start_ns };

	put_record(&rec);
}

void put_event(uint32_t kind, uint64_t cookie, int32_t cpu, uint32_t flags)
{
	struct scxlua_record rec = { .kind = kind, .cookie = cookie, .cpu = cpu, .flags = flags };

	put_record(&rec);
}

int take_verdict(struct scxlua_verdict *v)
{
	const uint8_t *at = rig.out_data + (rig.out_consumer & (USER_BYTES - 1));

	if (rig.out_consumer == rig.out_producer)
		return 0;
	memcpy(v, at + 8, sizeof(*v));
	rig.out_consumer += 8 + sizeof(*v);
	return 1;
}

void decide(struct scx_task *task, double cpu, double slice, double vtime, uint32_t flags)
{
	struct scx_outbox *o = engine_outbox(rig.engine);

	o->decision[o->n++] = (struct scx_decision){ task, cpu, slice, vtime, flags, 0 };
}

/* One task that the policy has been told of. */
struct scx_task *one_task(uint64_t cookie)
{
	put_enqueue(cookie, 1, 100, 0);
	engine_cycle(rig.engine);
	return table_find(rig.table, cookie);
}
