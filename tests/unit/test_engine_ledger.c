// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_engine_ledger.c - a million tasks with a policy that does everything wrong, and both
 * ledgers, the kernel's and ours, are exact.
 */
#include "engine_rig.h"

#include <math.h>
#include <string.h>

#include "synth.h"

/* A policy that drops, doubles, invents and garbles; it must cost no task. */
struct chaos {
	struct engine *engine;
	struct scx_queue *queue;
	uint64_t seed;
	uint64_t gave[4];
};

static double chaos_number(uint64_t *seed)
{
	static const double odd[] = { 0, -1, 1e300, -1e300, NAN, INFINITY, -INFINITY, 0.5, 1e6, 3 };

	return unit_below(seed, 3) ? unit_below(seed, 20 * MS) : odd[unit_below(seed, 10)];
}

static void chaos_send(struct chaos *c, struct scx_task *task)
{
	struct scx_outbox *o = engine_outbox(c->engine);

	if (o->n == ENGINE_OUTBOX && scx_outbox_flush() > 0)
		return;
	o->decision[o->n++] = (struct scx_decision){ task,
						     chaos_number(&c->seed),
						     chaos_number(&c->seed),
						     chaos_number(&c->seed),
						     unit_below(&c->seed, 8),
						     0 };
}

static int chaos_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	struct chaos *c = p->self;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t what = unit_below(&c->seed, 20);

		if (what < 10) {
			scx_heap_push(c->queue, tasks[i], tasks[i]->vtime);
		} else if (what < 18) {
			chaos_send(c, tasks[i]);
			if (what == 17)
				chaos_send(c, tasks[i]);
		} else if (what == 18) {
			chaos_send(c, (void *)(uintptr_t)unit_random(&c->seed));
		}
	}
	return unit_below(&c->seed, 50) ? 0 : -1;
}

static int chaos_dispatch(struct policy *p, uint32_t room)
{
	struct chaos *c = p->self;

	for (uint32_t i = unit_below(&c->seed, room + 10); i > 0; i--) {
		struct scx_task *task = scx_heap_pop(c->queue);

		if (task && unit_below(&c->seed, 10))
			chaos_send(c, task);
	}
	return unit_below(&c->seed, 50) ? (int)scx_queue_len(c->queue) : -1;
}

static int chaos_exit(struct policy *p, struct scx_task *task)
{
	struct chaos *c = p->self;

	if (unit_below(&c->seed, 4) == 0)
		scx_heap_push(c->queue, task,
			      1); /* too late: it must be gone from there after us */
	if (unit_below(&c->seed, 4) == 0)
		chaos_send(c, task);
	return 0;
}

static const struct policy_ops chaos_ops = { .enqueue = chaos_enqueue,
					     .dispatch = chaos_dispatch,
					     .exit_task = chaos_exit };

static void chaos_round(struct synth *s, struct chaos *c)
{
	synth_enqueue(s, unit_below(&c->seed, 700));
	engine_cycle(c->engine);
	if (unit_below(&c->seed, 4))
		synth_drain(s);
	if (unit_below(&c->seed, 10) == 0)
		synth_age(s);
	for (uint32_t i = unit_below(&c->seed, 3); i > 0; i--)
		synth_exit(s, unit_below(&c->seed, 1500));
}

/* Kernel's side: nothing is lost. Ours: what is held is what was received and not decided. */
static void check_ledger(struct synth *s, struct table *t, const struct engine_stats *st)
{
	const struct synth_ledger *l = synth_ledger(s);
	struct scx_task *out[2048];

	while (synth_drain(s))
		;
	synth_age(s);
	assert_int_equal(l->queued, l->decided + l->aged_out + l->exited);
	assert_int_equal(st->committed, l->decided + l->stale + l->gone);
	assert_true(st->received >= st->committed);
	assert_int_equal(st->bad_records, 0);
	assert_true(table_held(t, out, 2048) <= table_len(t));
	assert_true(table_len(t) <= 1500 + synth_control(s)->lost_exits);
	assert_true(st->reject_twice > 1000 && st->reject_unknown > 1000);
	assert_true(st->bad_cpu > 1000 && st->bad_slice > 1000 && st->bad_vtime > 1000);
	assert_true(st->forgotten > 1000 && st->defaulted > 1000 && st->bad_flags > 1000);
}

static void run_chaos(uint32_t slots, uint64_t tasks)
{
	static struct engine_stats st;
	struct synth *s = synth_new(1500, 16, 1);
	struct table *t = table_new(slots, NR_CPUS);
	struct engine_view view = { synth_cpus(s), 16, synth_control(s) };
	struct chaos c = { .queue = scx_heap_new(1000), .seed = 1 };
	struct policy p = { .ops = &chaos_ops, .self = &c };

	memset(&st, 0, sizeof(st));
	c.engine = engine_new(&rig_config, &view, synth_ring(s), synth_uring(s), t, &st);
	engine_set_policy(c.engine, &p);
	while (st.received < tasks)
		chaos_round(s, &c);
	while (engine_cycle(c.engine))
		;
	engine_set_policy(c.engine, NULL);
	assert_int_equal(engine_flush(c.engine), 0);
	check_ledger(s, t, &st);
	assert_int_equal(st.table_full != 0, slots < 1500);
	engine_free(c.engine);
	scx_queue_free(c.queue);
	table_free(t);
	synth_free(s);
}

static void nothing_is_lost_in_a_million_tasks(void **state)
{
	(void)state;
	run_chaos(2048, 1000000);
}

static void nothing_is_lost_with_a_table_too_small(void **state)
{
	(void)state;
	run_chaos(1024, 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_in_a_million_tasks),
		cmocka_unit_test(nothing_is_lost_with_a_table_too_small),
	};

	return cmocka_run_group_tests_name("engine_ledger", tests, NULL, NULL);
}
