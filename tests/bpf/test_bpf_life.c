// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bpf_life.c - what begins and ends: threads, CPUs, the scheduler itself, who controls it;
 * and a life under the names of 6.12.
 */
#include "rig.h"

static void exit_record(void **state)
{
	struct model_task *t;
	struct scxlua_record rec;
	u64 cookie;

	(void)state;
	machine(1);
	busy();
	t = plain(100, 1);
	model_exit(t);
	assert_false(model_take_record(&rec)); /* never offered, never mentioned */
	t = held(101, 1);
	cookie = ctx(t)->cookie;
	empty_records();
	model_exit(t);
	assert_true(model_take_record(&rec));
	assert_int_equal(rec.kind, SCXLUA_REC_EXIT);
	assert_int_equal(rec.pid, 101);
	assert_int_equal(rec.cookie, cookie);
	assert_int_equal(rec.seq, 0);
	assert_int_equal(rec.comm[15], 0);
	assert_false(model_take_record(&rec));
	assert_int_equal(total().cancelled, 1);
	t = held(102, 1);
	model.record_cap = 0;
	model_exit(t);
	assert_int_equal(control.lost_exits, 1);
	/* The end of a thread that no quiescent was told of. */
	model.record_cap = 10;
	t = held(103, 1);
	scxlua_ops.exit_task(&t->p, NULL);
	assert_int_equal(total().exited, 1);
	assert_int_equal(total().queued, total().cancelled + total().exited);
}

static void hotplug(void **state)
{
	struct model_task *a, *b, *c;
	struct scxlua_record rec;

	(void)state;
	machine(2);
	busy();
	a = held(100, 3);
	while (a->cpu != 1)
		model_setaffinity(a, 2), model_setaffinity(a, 3);
	b = held(101, 2);
	c = held(102, 3);
	decide(b, 1, 1);
	decide(c, 1, 1);
	model.this_cpu = 0;
	drain_verdicts();
	b->mask.bits[0] = 3; /* as the core does for who is left without a CPU */
	empty_records();
	model_exit(model.cpu[1].curr);
	model_hotplug(1, 0);
	assert_int_equal(cpu_row(1)->online, 0);
	assert_int_equal(control.nr_online, 1);
	assert_true(model_take_record(&rec));
	while (rec.kind != SCXLUA_REC_CPU)
		assert_true(model_take_record(&rec));
	assert_int_equal(rec.cpu, 1);
	assert_int_equal(rec.flags, 0);
	model_advance(1);
	model_timer_fire();
	assert_int_equal(model_queue(DSQ_HOLD + 1)->count, 0);
	assert_int_equal(model_queue(DSQ_CPU + 1)->count, 0);
	cpu_row(1)->queued = 2; /* as its last ops.dispatch may have left it */
	model_advance(config()->hold_ns);
	model_timer_fire();
	assert_int_equal(cpu_row(1)->queued, 0);
	control.nr_online = 0; /* a worker can write there */
	model_hotplug(1, 1);
	assert_int_equal(cpu_row(1)->online, 1);
	assert_int_equal(control.nr_online, 2);
	empty_records();
	model.record_cap = 0; /* seen in the row all the same */
	model_hotplug(1, 0);
	assert_int_equal(cpu_row(1)->online, 0);
}

/* The kernel calls no ops.dispatch on a CPU that goes, but serves its global queue there. */
static void pinned_on_offline_cpu(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	busy();
	t = held(100, 2);
	model_exit(model.cpu[1].curr);
	model_hotplug(1, 0);
	model_advance(1);
	model_timer_fire();
	assert_int_equal(model_where(t), SCX_DSQ_GLOBAL);
}

static void affinity_and_idle_seen(void **state)
{
	struct model_task *t;
	struct scxlua_record rec;

	(void)state;
	machine(2);
	busy();
	t = held(100, 3);
	empty_records();
	model_setaffinity(t, 1);
	take_affinity(t, 1);
	assert_true(model_take_record(&rec));
	assert_int_equal(rec.cpumask_seq, 1);
	assert_int_equal(rec.nr_cpus_allowed, 1);
	assert_int_equal(total().cancelled, 1);
	machine(2);
	t = plain(100, 3);
	control.builtin_idle = 1;
	model_wake(t);
	model_run_all();
	assert_int_equal(cpu_row(0)->idle, 0);
	assert_int_equal(cpu_row(0)->task_pid, 100);
	assert_int_equal(cpu_row(0)->since_ns, model.now);
	model_advance(1 * MS);
	model_sleep(t);
	assert_int_equal(cpu_row(0)->idle, 1);
	assert_int_equal(cpu_row(0)->task_pid, 0);
	assert_int_equal(ctx(t)->exec_ns, 0); /* since it last slept */
	assert_int_equal(ctx(t)->vtime, 1 * MS);
}

static void kind_not_yet(void)
{
	assert_int_equal(exit_info.kind, 0);
}

static void exit_info_kind_last(void **state)
{
	static char reason[] = "because", msg[] = "of this", dump[] = "d";
	struct scx_exit_info ei = {
		.kind = 64, .exit_code = 7, .reason = reason, .msg = msg, .dump = dump
	};

	(void)state;
	machine(1);
	model.on_read = kind_not_yet;
	scxlua_ops.exit(&ei);
	assert_int_equal(exit_info.kind, 64);
	assert_int_equal(exit_info.code, 7);
	assert_string_equal(exit_info.reason, "because");
	assert_string_equal(exit_info.msg, "of this");
}

static void dump_says(void **state)
{
	struct scx_dump_ctx dctx = { .kind = 0 };

	(void)state;
	machine(1);
	scxlua_ops.dump(&dctx);
	assert_non_null(strstr(model.dump, "policy="));
	assert_non_null(strstr(model.dump, "last error"));
}

static void control_ops(void **state)
{
	struct scxlua_op_args args = { .op = 0 };
	struct model_task *t;

	(void)state;
	machine(1);
	assert_int_equal(scxlua_op(&args), -EINVAL);
	args.op = SCXLUA_OP_OWN;
	args.arg = SCXLUA_NR_OWN;
	assert_int_equal(scxlua_op(&args), -EINVAL);
	args.arg = -1;
	assert_int_equal(scxlua_op(&args), -EINVAL);
	assert_int_equal(control.worker_pid, WORKER_PID);
	activate(SCXLUA_OWN_WORKER1);
	assert_int_equal(control.worker_pid, LOADING_PID);
	activate(SCXLUA_NR_OWN);
	assert_int_equal(control.worker_pid, 0);
	activate(SCXLUA_OWN_WORKER0);
	activate(-1);
	assert_int_equal(control.worker_pid, 0);
	args = (struct scxlua_op_args){ .op = SCXLUA_OP_ALIVE, .pid = 100, .result = 5 };
	assert_int_equal(scxlua_op(&args), 0);
	assert_int_equal(args.result, 0);
	t = plain(100, 1);
	args.cookie = ctx(t)->cookie;
	assert_int_equal(scxlua_op(&args), 0);
	assert_int_equal(args.result, 1);
	args.cookie++;
	assert_int_equal(scxlua_op(&args), 0);
	assert_int_equal(args.result, 0);
	model_check();
}

/* The same paths under the names of 6.12. */
static void old_names(void **state)
{
	struct model_task *t;

	(void)state;
	machine(2);
	model.old_kernel = 1;
	t = plain(100, 2);
	model_wake(t);
	decide(t, 1, 1);
	model_run_all();
	assert_true(t->running);
	model_advance(5 * MS);
	model_schedule(1);
	assert_true(t->running);
	assert_int_equal(t->p.scx.slice, config()->slice_ns);
	control.bypass = 1;
	model_yield(t);
	model_advance(config()->starve_ns);
	model_timer_fire();
	model_exit_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(exit_record),	     TEST(hotplug),
		TEST(pinned_on_offline_cpu), TEST(affinity_and_idle_seen),
		TEST(exit_info_kind_last),   TEST(dump_says),
		TEST(control_ops),	     TEST(old_names),
	};

	return cmocka_run_group_tests_name("bpf_life", tests, NULL, NULL);
}
