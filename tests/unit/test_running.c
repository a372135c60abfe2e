// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_running.c - whom to interrupt: the least urgent, unless somebody comes free anyway.
 *
 * A machine of up to 40 CPUs that run the threads that a test says. The policy's enqueue() calls
 * what the test has set, because a policy asks from a hook only.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "engine.h"
#include "synth.h"

enum { MAX_CPUS = 40, NR_THREADS = 64, MS = 1000000, ANY = SCX_CPU_ANY };

struct rig {
	struct synth *synth;
	struct table *table;
	struct engine *engine;
	struct engine_stats stats;
	struct scx_cpu cpus[MAX_CPUS];
	struct policy policy;
	struct policy_ops ops;
	struct scx_task *task[NR_THREADS]; /* that the policy was told of */
	uint32_t nr_tasks;
	struct scx_running *running;
};

static struct rig r;
static void (*in_hook)(void);

static int rig_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	(void)p;
	memcpy(r.task, tasks, n * sizeof(*tasks));
	r.nr_tasks = n;
	in_hook();
	return 0;
}

static void rig_open(uint32_t nr_cpus)
{
	const struct engine_config cfg = { .slice_ns = 5 * MS,
					   .max_slice_ns = 100 * MS,
					   .min_slice_ns = MS / 10 };
	struct engine_view view = { r.cpus, nr_cpus, NULL };

	memset(&r, 0, sizeof(r));
	for (uint32_t i = 0; i < nr_cpus; i++)
		r.cpus[i] = (struct scx_cpu){ .online = 1, .idle = 1, .since_ns = 1000 + i };
	r.synth = synth_new(NR_THREADS, nr_cpus, 1);
	r.table = table_new(2 * NR_THREADS, nr_cpus);
	view.control = synth_control(r.synth);
	r.engine = engine_new(&cfg, &view, synth_ring(r.synth), synth_uring(r.synth), r.table,
			      &r.stats);
	r.running = scx_running_new(nr_cpus);
	assert_non_null(r.engine);
	assert_non_null(r.running);
	r.ops.enqueue = rig_enqueue;
	r.policy.ops = &r.ops;
	engine_set_policy(r.engine, &r.policy);
}

static void rig_close(void)
{
	scx_running_free(r.running);
	engine_free(r.engine);
	table_free(r.table);
	synth_free(r.synth);
}

/* Runs the test's part inside of a hook, with all threads known to the table. */
static void on_machine(uint32_t nr_cpus, void (*test)(void))
{
	rig_open(nr_cpus);
	in_hook = test;
	assert_int_equal(synth_enqueue(r.synth, NR_THREADS), NR_THREADS);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_tasks, NR_THREADS);
	rig_close();
}

/* Thread `i` gets the CPU. */
static void run(uint32_t cpu, uint32_t i)
{
	r.cpus[cpu].idle = 0;
	r.cpus[cpu].task_pid = r.task[i]->pid;
	r.cpus[cpu].since_ns++;
}

static void set(uint32_t i, double rank)
{
	scx_running_set(r.running, r.task[i], rank);
}

/* For thread 10, which may run anywhere and ran on the CPU last. */
static int victim(uint32_t last, double rank)
{
	struct scxlua_affinity anywhere = { .mask = { UINT64_MAX } };

	r.task[10]->cpu = (int32_t)last;
	table_set_mask(r.table, r.task[10], &anywhere);
	return scx_running_victim(r.running, r.task[10], rank);
}

/* CPU 0 runs thread 0 of rank a, CPU 1 thread 1 of rank b. */
static void two(double a, double b)
{
	run(0, 0);
	run(1, 1);
	set(0, a);
	set(1, b);
}

static void test_worst(void)
{
	two(5, 7);
	assert_int_equal(victim(0, 1), 1);
	assert_int_equal(victim(0, 1), 0); /* the other one is promised */
	assert_int_equal(victim(0, 1), ANY);
	run(1, 2);
	set(2, 9);
	assert_int_equal(victim(0, 1), 1); /* it has another thread */
}

static void the_worst_rank_is_the_victim(void **state)
{
	(void)state;
	on_machine(2, test_worst);
}

static void test_equals(void)
{
	two(5, 5);
	assert_int_equal(victim(0, 5), ANY);
	assert_int_equal(victim(0, 6), ANY);
	assert_int_equal(victim(1, 1), 1);
	assert_int_equal(victim(1, 1), 0);
	two(-3, -4);
	assert_int_equal(victim(1, -5), 0);
}

static void among_equals_the_last_cpu(void **state)
{
	(void)state;
	on_machine(2, test_equals);
}

static void test_idle(void)
{
	run(0, 0);
	set(0, 5);
	assert_int_equal(victim(0, 1), ANY);
	assert_int_equal(victim(0, 1), 0); /* CPU 1 is for the one before */
}

static void an_idle_cpu_serves_one_task(void **state)
{
	(void)state;
	on_machine(2, test_idle);
}

/* The worker is nobody's thread: its CPU has no pid, and does not count as idle if others wait. */
static void test_worker(void)
{
	two(5, 7);
	r.cpus[0].task_pid = 0;
	assert_int_equal(victim(1, 1), ANY);
	assert_int_equal(victim(1, 1), 1);
	assert_int_equal(victim(1, 1), ANY);
}

static void the_worker_makes_room_for_one_task(void **state)
{
	(void)state;
	on_machine(2, test_worker);
}

static void test_unknown(void)
{
	run(0, 0);
	set(0, 5);
	run(1, 1);
	assert_int_equal(victim(1, 1), 0);
	assert_int_equal(victim(1, 1), ANY);
	run(0, 0);
	set(0, NAN); /* is none: the last one counts */
	assert_int_equal(victim(1, 1), 0);
}

static void a_thread_without_rank_is_left_alone(void **state)
{
	(void)state;
	on_machine(2, test_unknown);
}

static void test_collision(void)
{
	int32_t pid = r.task[1]->pid;

	two(5, 7);
	r.task[2]->pid = pid + 4096;
	set(2, 99);
	assert_int_equal(victim(1, 1), 0); /* thread 1 is not known any more */
	run(1, 2);
	run(0, 0);
	assert_int_equal(victim(0, 1), 1);
}

static void the_last_of_two_with_the_same_bits_is_known(void **state)
{
	(void)state;
	on_machine(2, test_collision);
}

static void test_two(void)
{
	two(5, 7);
}

static void test_one_left(void)
{
	assert_int_equal(victim(1, 1), 0); /* whoever has that pid now is not known */
	assert_int_equal(victim(1, 1), ANY);
}

/* What was known of a thread is not taken to be about the next one with its pid. */
static void a_thread_that_ends_is_forgotten(void **state)
{
	struct scx_running *other;

	(void)state;
	rig_open(2);
	other = scx_running_new(2);
	in_hook = test_two;
	synth_enqueue(r.synth, NR_THREADS);
	engine_cycle(r.engine);
	in_hook = test_one_left;
	synth_exit(r.synth, 1);
	assert_int_equal(synth_enqueue(r.synth, 1), 1);
	engine_cycle(r.engine);
	assert_int_equal(r.nr_tasks, 1);
	scx_running_free(other);
	scx_running_free(other); /* is none any more */
	rig_close();
}

static void test_places(void)
{
	struct scxlua_affinity only_0 = { .mask = { 1 } };

	two(5, 7);
	table_set_mask(r.table, r.task[11], &only_0);
	assert_int_equal(scx_running_victim(r.running, r.task[11], 1), 0);
	two(5, 7);
	r.cpus[1].online = 0;
	assert_int_equal(victim(1, 1), 0);
	two(5, 7);
	assert_int_equal(victim(UINT32_MAX, 1), 0); /* a task that has not run yet */
	r.cpus[1].online = 1;
	assert_int_equal(victim(7, 1), 1);
}

static void affinity_and_hotplug_count(void **state)
{
	(void)state;
	on_machine(2, test_places);
}

/* Thread 1 is the worst, 35 CPUs on from CPU 0. */
static void test_many(void)
{
	for (uint32_t i = 0; i < MAX_CPUS; i++) {
		run(i, i == 35 ? 1 : 0);
		set(i == 35 ? 1 : 0, i == 35 ? 9 : 2);
	}
	assert_int_equal(victim(0, 5), ANY);
	assert_int_equal(victim(4, 5), 35);
	run(35, 1);
	assert_int_equal(victim(36, 5), ANY);
	assert_int_equal(victim(39, 3), ANY);
	assert_int_equal(victim(39, 1), 39);
}

static void the_scan_is_bounded_and_goes_round(void **state)
{
	(void)state;
	on_machine(MAX_CPUS, test_many);
}

static void test_nonsense(void)
{
	two(5, 7);
	scx_running_set(NULL, r.task[0], 1);
	scx_running_set(r.running, NULL, 1);
	scx_running_set(r.running, (const void *)((const char *)r.task[0] + 8), 1);
	assert_int_equal(scx_running_victim(NULL, r.task[10], 1), ANY);
	assert_int_equal(scx_running_victim(r.running, NULL, 1), ANY);
	assert_int_equal(victim(0, NAN), ANY);
	assert_int_equal(victim(0, 1), 1);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	on_machine(2, test_nonsense);
	scx_running_free(NULL);
}

static void outside_of_a_hook_nobody_runs(void **state)
{
	(void)state;
	rig_open(2);
	in_hook = test_two;
	synth_enqueue(r.synth, NR_THREADS);
	engine_cycle(r.engine);
	assert_int_equal(scx_running_victim(r.running, r.task[10], 1), ANY);
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_rank_is_the_victim),
		cmocka_unit_test(among_equals_the_last_cpu),
		cmocka_unit_test(an_idle_cpu_serves_one_task),
		cmocka_unit_test(the_worker_makes_room_for_one_task),
		cmocka_unit_test(a_thread_without_rank_is_left_alone),
		cmocka_unit_test(the_last_of_two_with_the_same_bits_is_known),
		cmocka_unit_test(a_thread_that_ends_is_forgotten),
		cmocka_unit_test(affinity_and_hotplug_count),
		cmocka_unit_test(the_scan_is_bounded_and_goes_round),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(outside_of_a_hook_nobody_runs),
	};

	return cmocka_run_group_tests_name("running", tests, NULL, NULL);
}
