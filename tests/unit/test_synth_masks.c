// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_synth_masks.c - the made-up machine when a thread may not use all CPUs, or a CPU goes: where
 * it runs then, and what is sent.
 */
#include "synth_rig.h"

static void confined_thread_bounces_to_its_own_cpu(void **state)
{
	struct scxlua_record rec;

	(void)state;
	assert_true(confine(0, 1u << 1 | 1u << 3));
	rec = enqueue_one();
	assert_int_equal(rec.nr_cpus_allowed, 2);
	assert_int_equal(rec.cpu, 1);
	rec = run_on(&rec, 3);
	assert_int_equal(rec.cpu, 3);
	rec = run_on(&rec, 0);
	assert_int_equal(rec.cpu, 3);
	rec = run_on(&rec, 2);
	assert_int_equal(rec.cpu, 3);
	rec = run_on(&rec, 77);
	assert_int_equal(rec.cpu, 3);
	assert_int_equal(ledger()->bounced, 3);
	for (int i = 0; i < 100; i++) {
		rec = run_on(&rec, SCX_CPU_ANY);
		assert_int_equal(rec.cpu & 1, 1);
	}
	assert_int_equal(ledger()->bounced, 3);
}

static void mask_of_a_waiting_thread_enqueues_it_anew(void **state)
{
	struct scxlua_record first = enqueue_one(), second;

	(void)state;
	assert_int_equal(synth_cpumask_seq(rig.synth, 0), first.cpumask_seq);
	assert_true(confine(0, 1u << 2));
	second = next_record();
	assert_int_equal(second.kind, SCXLUA_REC_ENQUEUE);
	assert_int_equal(second.cookie, first.cookie);
	assert_int_equal(second.seq, first.seq + 1);
	assert_int_equal(second.cpumask_seq, first.cpumask_seq + 1);
	assert_int_equal(synth_cpumask_seq(rig.synth, 0), second.cpumask_seq);
	assert_int_equal(second.nr_cpus_allowed, 1);
	assert_int_equal(second.cpu, 2);
	assert_int_equal(rig.nr_told, 1);
	assert_int_equal(rig.told[0].cookie, first.cookie);
	assert_int_equal(rig.told[0].mask[0], 1u << 2);
	assert_true(synth_allows(rig.synth, 0, 2));
	assert_false(synth_allows(rig.synth, 0, 1));
	assert_false(synth_allows(rig.synth, 0, 1000));
	assert_int_equal(ledger()->cancelled, 1);
	assert_int_equal(ledger()->queued, 2);
	send_decision(&first, 2);
	assert_int_equal(synth_drain(rig.synth), 1);
	assert_int_equal(ledger()->stale, 1);
	assert_true(synth_waits(rig.synth, 0));
	run_on(&second, 2);
	assert_int_equal(ledger()->decided, 1);
}

static void mask_of_a_sleeping_thread_sends_nothing(void **state)
{
	(void)state;
	assert_true(confine(0, 1));
	assert_int_equal(next_record().kind, NOTHING);
	assert_int_equal(ledger()->cancelled, 0);
}

static void mask_must_leave_a_cpu(void **state)
{
	(void)state;
	assert_false(confine(0, 0));
	assert_false(confine(0, 1u << NR_CPUS));
	assert_int_equal(synth_cpumask_seq(rig.synth, 0), 1);
	assert_true(confine(0, ~0ull));
	assert_int_equal(enqueue_one().nr_cpus_allowed, NR_CPUS);
}

/* Told when it is not all CPUs, when it changes, and not again. */
static void affinity_is_told_once(void **state)
{
	struct scxlua_record rec = enqueue_one();

	(void)state;
	assert_int_equal(rig.nr_told, 0);
	assert_true(confine(0, 3));
	next_record();
	rec = next_record();
	assert_int_equal(rec.kind, NOTHING);
	assert_int_equal(rig.nr_told, 1);
	assert_int_equal(synth_age(rig.synth), 1);
	enqueue_one();
	assert_int_equal(rig.nr_told, 1);
	assert_int_equal(synth_age(rig.synth), 1);
	assert_true(confine(0, ALL));
	assert_int_equal(rig.nr_told, 1);
	enqueue_one();
	assert_int_equal(rig.nr_told, 2);
	assert_int_equal(rig.told[0].mask[0], ALL);
}

static void affinity_of_a_wide_machine_comes_in_parts(void **state)
{
	uint64_t mask[13] = { [0] = 1, [12] = 1u << 7 };

	(void)state;
	synth_free(rig.synth);
	rig.synth = synth_new(1, 13 * 64, 1);
	assert_non_null(rig.synth);
	assert_true(synth_affinity(rig.synth, 0, mask));
	assert_int_equal(enqueue_one().nr_cpus_allowed, 2);
	assert_int_equal(rig.nr_told, 2);
	assert_int_equal(rig.told[0].first, 0);
	assert_int_equal(rig.told[0].mask[0], 1);
	assert_int_equal(rig.told[0].mask[11], 0);
	assert_int_equal(rig.told[1].first, 12 * 64);
	assert_int_equal(rig.told[1].mask[0], 1u << 7);
}

static void masks_are_as_wide_as_the_machine(void **state)
{
	const uint64_t mask[3] = { 0, 0, 1u << 1 };
	struct scxlua_record rec;

	(void)state;
	synth_free(rig.synth);
	rig.synth = synth_new(1, 130, 1);
	assert_non_null(rig.synth);
	assert_true(synth_affinity(rig.synth, 0, mask));
	assert_true(synth_allows(rig.synth, 0, 129));
	assert_false(synth_allows(rig.synth, 0, 1));
	rec = enqueue_one();
	assert_int_equal(rec.cpu, 129);
	assert_int_equal(rec.nr_cpus_allowed, 1);
}

static void cpu_goes_and_comes(void **state)
{
	struct scxlua_record rec = enqueue_one(), event;

	(void)state;
	assert_true(synth_cpu(rig.synth, 2, false));
	event = next_record();
	assert_int_equal(event.kind, SCXLUA_REC_CPU);
	assert_int_equal(event.cpu, 2);
	assert_int_equal(event.flags, 0);
	assert_int_equal(synth_cpus(rig.synth)[2].online, 0);
	assert_int_equal(synth_cpus(rig.synth)[2].idle, 0);
	assert_int_equal(synth_control(rig.synth)->nr_online, NR_CPUS - 1);
	rec = run_on(&rec, 2);
	assert_int_not_equal(rec.cpu, 2);
	assert_int_equal(ledger()->bounced, 1);
	for (int i = 0; i < 100; i++) {
		rec = run_on(&rec, SCX_CPU_ANY);
		assert_int_not_equal(rec.cpu, 2);
		assert_int_equal(synth_cpus(rig.synth)[2].idle, 0);
	}
	assert_true(synth_cpu(rig.synth, 2, true));
	event = next_record();
	assert_int_equal(event.kind, SCXLUA_REC_CPU);
	assert_int_equal(event.flags, 1);
	assert_int_equal(synth_control(rig.synth)->nr_online, NR_CPUS);
	assert_int_equal(run_on(&rec, 2).cpu, 2);
}

static void cpu_event_that_is_none(void **state)
{
	(void)state;
	assert_false(synth_cpu(rig.synth, 1, true));
	for (uint32_t cpu = 1; cpu < NR_CPUS; cpu++) {
		assert_true(synth_cpu(rig.synth, cpu, false));
		assert_int_equal(next_record().cpu, cpu);
	}
	assert_false(synth_cpu(rig.synth, 1, false));
	assert_false(synth_cpu(rig.synth, 0, false)); /* the last one */
	assert_int_equal(next_record().kind, NOTHING);
	assert_int_equal(synth_control(rig.synth)->nr_online, 1);
}

/* Waiting or asleep when its only CPU goes. */
static void affinity_without_a_cpu_is_lifted(void **state)
{
	struct scxlua_record rec;

	(void)state;
	assert_true(confine(0, 1u << 3));
	rec = enqueue_one();
	assert_true(synth_cpu(rig.synth, 3, false));
	next_record();
	assert_true(synth_allows(rig.synth, 0, 3));
	rec = run_on(&rec, SCX_CPU_ANY);
	assert_int_not_equal(rec.cpu, 3);
	assert_int_equal(rec.nr_cpus_allowed, NR_CPUS);
	assert_true(confine(0, 1u << 3));
	rec = next_record();
	assert_int_equal(rec.nr_cpus_allowed, NR_CPUS);
	assert_int_equal(rec.cpumask_seq, synth_cpumask_seq(rig.synth, 0));
}

static void full_ring_refuses_events(void **state)
{
	const struct scx_cpu *cpu = &synth_cpus(rig.synth)[1];
	int32_t online;

	(void)state;
	assert_int_equal(synth_enqueue(rig.synth, 1), 1);
	while (confine(0, ALL))
		;
	while (synth_cpu(rig.synth, 1, !cpu->online))
		;
	online = cpu->online;
	assert_false(synth_cpu(rig.synth, 1, !online));
	assert_int_equal(cpu->online, online);
	assert_int_equal(synth_control(rig.synth)->nr_online, NR_CPUS - !online);
	assert_true(synth_waits(rig.synth, 0));
	assert_int_equal(ledger()->queued, ledger()->cancelled + 1);
	next_record();
	assert_true(synth_cpu(rig.synth, 1, !online));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(confined_thread_bounces_to_its_own_cpu),
		ONE(mask_of_a_waiting_thread_enqueues_it_anew),
		ONE(mask_of_a_sleeping_thread_sends_nothing),
		ONE(mask_must_leave_a_cpu),
		ONE(affinity_is_told_once),
		ONE(affinity_of_a_wide_machine_comes_in_parts),
		ONE(masks_are_as_wide_as_the_machine),
		ONE(cpu_goes_and_comes),
		ONE(cpu_event_that_is_none),
		ONE(affinity_without_a_cpu_is_lifted),
		ONE(full_ring_refuses_events),
	};

	return cmocka_run_group_tests_name("synth_masks", tests, NULL, NULL);
}
