// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_synth.c - the made-up machine: where threads run, what its CPUs say, time, and the ledger
 * under all that can happen, at random.
 */
#include "synth_rig.h"

static void thread_runs_where_it_is_sent(void **state)
{
	struct scxlua_record rec = enqueue_one();
	uint32_t seen = 0;

	(void)state;
	for (int32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		rec = run_on(&rec, cpu);
		assert_int_equal(rec.cpu, cpu);
	}
	for (int i = 0; i < 100; i++) {
		rec = run_on(&rec, SCX_CPU_ANY);
		seen |= 1u << rec.cpu;
	}
	assert_int_equal(seen, ALL);
	assert_int_equal(ledger()->bounced, 0);
	assert_int_equal(ledger()->decided, 104);
	assert_int_equal(synth_slice(rig.synth, 0), SLICE);
}

/* Both decisions were made when CPU 1 was idle. */
static void idle_cpu_is_taken_once(void **state)
{
	struct scxlua_record first, second;

	(void)state;
	assert_int_equal(synth_cpus(rig.synth)[1].idle, 1);
	first = enqueue_one();
	second = enqueue_one();
	send_flags(&first, 1, SCX_IF_IDLE);
	send_flags(&second, 1, SCX_IF_IDLE);
	assert_int_equal(synth_drain(rig.synth), 2);
	assert_int_equal(ledger()->decided, 2);
	assert_int_equal(ledger()->idle_missed, 1);
	assert_int_equal(ledger()->bounced, 0);
}

static void kick_is_no_decision(void **state)
{
	struct scxlua_verdict *v = uring_reserve(synth_uring(rig.synth));

	(void)state;
	enqueue_one();
	*v = (struct scxlua_verdict){ .kind = SCXLUA_VERDICT_KICK, .cpu = 1 };
	uring_publish(synth_uring(rig.synth));
	assert_int_equal(synth_drain(rig.synth), 1);
	assert_int_equal(ledger()->kicks, 1);
	assert_int_equal(ledger()->gone + ledger()->stale + ledger()->decided, 0);
	assert_true(synth_waits(rig.synth, 0));
}

static void cpus_come_in_pairs_and_halves(void **state)
{
	const struct scx_cpu *cpus = synth_cpus(rig.synth);

	(void)state;
	for (int32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_int_equal(cpus[cpu].core, cpu / 2);
		assert_int_equal(cpus[cpu].sibling, cpu ^ 1);
		assert_int_equal(cpus[cpu].llc, cpu / 2);
		assert_int_equal(cpus[cpu].capacity, 1024);
	}
}

static void busy_cpus_say_what_runs(void **state)
{
	const struct scx_cpu *cpus = synth_cpus(rig.synth);
	uint32_t busy = 0, idle = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct scxlua_record rec = enqueue_one();

		send_decision(&rec, 1);
		synth_drain(rig.synth);
		assert_int_equal(cpus[1].task_pid, cpus[1].idle ? 0 : rec.pid);
		assert_int_equal(cpus[1].slice_ns, SLICE);
		busy += !cpus[1].idle;
		idle += cpus[1].idle;
	}
	assert_true(busy > 50 && idle > 50);
	assert_int_equal(synth_drain(rig.synth), 0);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(cpus[cpu].idle, 1);
}

static void threads_are_found_by_pid(void **state)
{
	int32_t pid = synth_pid(rig.synth, 5);

	(void)state;
	assert_int_equal(synth_find(rig.synth, pid), 5);
	assert_int_equal(synth_find(rig.synth, 1), 64);
	synth_exit(rig.synth, 5);
	assert_int_equal(next_record().kind, NOTHING); /* nobody knew it */
	assert_int_not_equal(synth_pid(rig.synth, 5), pid);
	assert_int_equal(synth_find(rig.synth, pid), 5);
	assert_int_equal(synth_find(rig.synth, synth_pid(rig.synth, 5)), 5);
	assert_int_equal(synth_enqueue(rig.synth, 6), 6);
	assert_int_equal(synth_last(rig.synth), 5);
	synth_exit(rig.synth, 5);
	assert_false(synth_waits(rig.synth, 5));
	assert_int_equal(ledger()->exited, 1);
}

static void one_thread_in_sixteen_is_pinned(void **state)
{
	uint32_t pinned = 0;

	(void)state;
	assert_int_equal(synth_enqueue(rig.synth, 64), 64);
	for (int i = 0; i < 64; i++) {
		struct scxlua_record rec = next_record();
		uint32_t thread = synth_find(rig.synth, rec.pid);

		if (rec.nr_cpus_allowed == NR_CPUS)
			continue;
		pinned++;
		for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++)
			assert_int_equal(synth_allows(rig.synth, thread, cpu),
					 (int32_t)cpu == rec.cpu);
	}
	assert_int_equal(pinned, 4);
}

static void time_is_made_up(void **state)
{
	const uint64_t *clock = synth_clock(rig.synth);
	uint64_t begin = *clock;
	struct scxlua_record rec = enqueue_one();

	(void)state;
	assert_true(begin > 0);
	assert_int_equal(rec.enqueue_ns, begin);
	synth_step(rig.synth, 5000);
	assert_int_equal(*clock, begin + 5000 + 100);
	rec = run_on(&rec, 0);
	assert_int_equal(rec.start_ns, begin + 5000 + 100 + 1);
	assert_true(rec.stop_ns >= rec.start_ns && rec.stop_ns <= rec.start_ns + SLICE);
	assert_int_equal(rec.enqueue_ns, rec.stop_ns);
}

static double followed_ns;

static double now_ns(void)
{
	return followed_ns;
}

static void time_follows_another_clock(void **state)
{
	struct scxlua_record rec;

	(void)state;
	followed_ns = 70000;
	synth_follow(rig.synth, now_ns);
	assert_int_equal(*synth_clock(rig.synth), 70000);
	rec = enqueue_one();
	followed_ns = 90000;
	rec = run_on(&rec, 0);
	assert_int_equal(rec.start_ns, 90001);
	assert_true(rec.stop_ns > rec.start_ns && rec.stop_ns < 90010);
	assert_true(rec.sum_exec_ns > 0);
	followed_ns = 95000;
	synth_follow(rig.synth, NULL);
	followed_ns = 96000;
	synth_step(rig.synth, 10);
	assert_int_equal(*synth_clock(rig.synth), 95010);
}

/* ---- everything at random ---- */

static void decide_some(uint64_t *seed)
{
	struct scxlua_record rec;

	while ((rec = next_record()).kind != NOTHING)
		if (rec.kind == SCXLUA_REC_ENQUEUE && unit_below(seed, 4) &&
		    uring_room(synth_uring(rig.synth)))
			send_decision(&rec, (int32_t)unit_below(seed, NR_CPUS + 2) - 1);
}

static void random_step(uint64_t *seed)
{
	uint32_t i = unit_below(seed, 64);
	uint64_t mask = unit_random(seed);

	switch (unit_below(seed, 7)) {
	case 0:
		synth_affinity(rig.synth, i, &mask);
		break;
	case 1:
		synth_cpu(rig.synth, unit_below(seed, NR_CPUS), unit_below(seed, 2));
		break;
	case 2:
		synth_exit(rig.synth, i);
		break;
	case 3:
		synth_age(rig.synth);
		break;
	case 4:
		synth_drain(rig.synth);
		break;
	default:
		synth_enqueue(rig.synth, i);
		decide_some(seed);
	}
}

static void check_machine(void)
{
	const struct synth_ledger *l = ledger();
	uint32_t waiting = 0, online = 0;

	for (uint32_t i = 0; i < 64; i++)
		waiting += synth_waits(rig.synth, i);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		online += (uint32_t)synth_cpus(rig.synth)[cpu].online;
		assert_true(synth_cpus(rig.synth)[cpu].online || !synth_cpus(rig.synth)[cpu].idle);
		assert_true(!synth_cpus(rig.synth)[cpu].idle ||
			    !synth_cpus(rig.synth)[cpu].task_pid);
	}
	assert_int_equal(l->queued, l->decided + l->aged_out + l->cancelled + l->exited + waiting);
	assert_int_equal(synth_control(rig.synth)->nr_online, online);
}

static void ledger_balances_at_random(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		random_step(&seed);
		check_machine();
	}
	assert_true(ledger()->decided > 10000 && ledger()->cancelled > 10000);
	assert_true(ledger()->exited > 1000 && ledger()->aged_out > 1000);
	assert_true(ledger()->stale > 1000 && ledger()->gone > 100 && ledger()->bounced > 1000);
}

static uint64_t hash_of_a_run(void)
{
	uint64_t seed = 7;

	assert_int_equal(rig_many_threads(NULL), 0);
	rig.hash = 0;
	for (int i = 0; i < 2000; i++)
		random_step(&seed);
	rig.hash = rig.hash * 31 + ledger()->decided;
	synth_free(rig.synth);
	return rig.hash;
}

static void same_seed_same_machine(void **state)
{
	(void)state;
	assert_int_equal(hash_of_a_run(), hash_of_a_run());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(thread_runs_where_it_is_sent),
		MANY(idle_cpu_is_taken_once),
		ONE(kick_is_no_decision),
		ONE(cpus_come_in_pairs_and_halves),
		ONE(busy_cpus_say_what_runs),
		MANY(threads_are_found_by_pid),
		MANY(one_thread_in_sixteen_is_pinned),
		ONE(time_is_made_up),
		ONE(time_follows_another_clock),
		MANY(ledger_balances_at_random),
		cmocka_unit_test(same_seed_same_machine),
	};

	return cmocka_run_group_tests_name("synth", tests, NULL, NULL);
}
