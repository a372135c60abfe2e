// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_synth.c - the made-up machine: where threads run, what is sent when masks and CPUs change,
 * time, and the ledger under all of it at random.
 */
#include "unit.h"

#include <string.h>

#include "synth.h"

enum { NR_CPUS = 4, ALL = 15, SLICE = 1000000, NOTHING = 0 };

static struct synth *s;
static uint64_t bad;		       /* samples that were not records; none is expected */
static uint64_t hash;		       /* of all records read */
static struct scxlua_affinity told[2]; /* the last part of each number that was read */
static uint32_t nr_told;

static int set_up(uint32_t nr_threads)
{
	bad = 0;
	nr_told = 0;
	memset(told, 0, sizeof(told));
	s = synth_new(nr_threads, NR_CPUS, 1);
	return s ? 0 : -1;
}

static int one_thread(void **state)
{
	(void)state;
	return set_up(1);
}

static int many_threads(void **state)
{
	(void)state;
	return set_up(64);
}

static int tear_down(void **state)
{
	(void)state;
	synth_free(s);
	return bad ? -1 : 0;
}

/* The next record, copied; of kind NOTHING if there is none. Affinities go to told[]. */
static struct scxlua_record next(void)
{
	const struct scxlua_record *at = ring_next(synth_ring(s), &bad);
	struct scxlua_record rec = { .kind = NOTHING };

	while (at && at->kind == SCXLUA_REC_AFFINITY) {
		struct scxlua_affinity part;

		memcpy(&part, at, sizeof(part));
		assert_in_range(part.first / 64 / SCXLUA_MASK_WORDS, 0, 1);
		told[part.first / 64 / SCXLUA_MASK_WORDS] = part;
		nr_told++;
		at = ring_next(synth_ring(s), &bad);
		assert_non_null(at); /* comes before an enqueue */
		assert_int_equal(at->cookie, part.cookie);
	}
	if (at) {
		rec = *at;
		hash = hash * 31 + rec.kind + (uint64_t)rec.pid + rec.seq + rec.enqueue_ns +
		       rec.sum_exec_ns + (uint64_t)rec.cpu;
	}
	ring_release(synth_ring(s));
	return rec;
}

static struct scxlua_record enqueue(void)
{
	assert_int_equal(synth_enqueue(s, 1), 1);
	return next();
}

static void send_flags(const struct scxlua_record *rec, int32_t cpu, uint32_t flags)
{
	struct scxlua_verdict *v = uring_reserve(synth_uring(s));

	assert_non_null(v);
	*v = (struct scxlua_verdict){ .cookie = rec->cookie,
				      .seq = rec->seq,
				      .pid = rec->pid,
				      .cpu = cpu,
				      .flags = flags,
				      .slice_ns = SLICE };
	uring_publish(synth_uring(s));
}

static void send(const struct scxlua_record *rec, int32_t cpu)
{
	send_flags(rec, cpu, 0);
}

/* Sends the only thread to `cpu`; returns its next record, whose cpu is where it ran. */
static struct scxlua_record run(const struct scxlua_record *rec, int32_t cpu)
{
	assert_true(synth_waits(s, 0));
	send(rec, cpu);
	assert_int_equal(synth_drain(s), 1);
	assert_false(synth_waits(s, 0));
	return enqueue();
}

static const struct synth_ledger *ledger(void)
{
	return synth_ledger(s);
}

static bool confine(uint32_t i, uint64_t mask)
{
	return synth_affinity(s, i, &mask);
}

static void thread_runs_where_it_is_sent(void **state)
{
	struct scxlua_record rec = enqueue();
	uint32_t seen = 0;

	(void)state;
	for (int32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		rec = run(&rec, cpu);
		assert_int_equal(rec.cpu, cpu);
	}
	for (int i = 0; i < 100; i++) {
		rec = run(&rec, SCX_CPU_ANY);
		seen |= 1u << rec.cpu;
	}
	assert_int_equal(seen, ALL);
	assert_int_equal(ledger()->bounced, 0);
	assert_int_equal(ledger()->decided, 104);
	assert_int_equal(synth_slice(s, 0), SLICE);
}

static void confined_thread_bounces_to_its_own_cpu(void **state)
{
	struct scxlua_record rec;

	(void)state;
	assert_true(confine(0, 1u << 1 | 1u << 3));
	rec = enqueue();
	assert_int_equal(rec.nr_cpus_allowed, 2);
	assert_int_equal(rec.cpu, 1);
	rec = run(&rec, 3);
	assert_int_equal(rec.cpu, 3);
	rec = run(&rec, 0);
	assert_int_equal(rec.cpu, 3);
	rec = run(&rec, 2);
	assert_int_equal(rec.cpu, 3);
	rec = run(&rec, 77);
	assert_int_equal(rec.cpu, 3);
	assert_int_equal(ledger()->bounced, 3);
	for (int i = 0; i < 100; i++) {
		rec = run(&rec, SCX_CPU_ANY);
		assert_int_equal(rec.cpu & 1, 1);
	}
	assert_int_equal(ledger()->bounced, 3);
}

static void mask_of_a_waiting_thread_enqueues_it_anew(void **state)
{
	struct scxlua_record first = enqueue(), second;

	(void)state;
	assert_int_equal(synth_cpumask_seq(s, 0), first.cpumask_seq);
	assert_true(confine(0, 1u << 2));
	second = next();
	assert_int_equal(second.kind, SCXLUA_REC_ENQUEUE);
	assert_int_equal(second.cookie, first.cookie);
	assert_int_equal(second.seq, first.seq + 1);
	assert_int_equal(second.cpumask_seq, first.cpumask_seq + 1);
	assert_int_equal(synth_cpumask_seq(s, 0), second.cpumask_seq);
	assert_int_equal(second.nr_cpus_allowed, 1);
	assert_int_equal(second.cpu, 2);
	assert_int_equal(nr_told, 1);
	assert_int_equal(told[0].cookie, first.cookie);
	assert_int_equal(told[0].mask[0], 1u << 2);
	assert_true(synth_allows(s, 0, 2));
	assert_false(synth_allows(s, 0, 1));
	assert_false(synth_allows(s, 0, 1000));
	assert_int_equal(ledger()->cancelled, 1);
	assert_int_equal(ledger()->queued, 2);
	send(&first, 2);
	assert_int_equal(synth_drain(s), 1);
	assert_int_equal(ledger()->stale, 1);
	assert_true(synth_waits(s, 0));
	run(&second, 2);
	assert_int_equal(ledger()->decided, 1);
}

static void mask_of_a_sleeping_thread_sends_nothing(void **state)
{
	(void)state;
	assert_true(confine(0, 1));
	assert_int_equal(next().kind, NOTHING);
	assert_int_equal(ledger()->cancelled, 0);
}

static void mask_must_leave_a_cpu(void **state)
{
	(void)state;
	assert_false(confine(0, 0));
	assert_false(confine(0, 1u << NR_CPUS));
	assert_int_equal(synth_cpumask_seq(s, 0), 1);
	assert_true(confine(0, ~0ull));
	assert_int_equal(enqueue().nr_cpus_allowed, NR_CPUS);
}

/* Told when it is not all CPUs, when it changes, and not again. */
static void affinity_is_told_once(void **state)
{
	struct scxlua_record rec = enqueue();

	(void)state;
	assert_int_equal(nr_told, 0);
	assert_true(confine(0, 3));
	next();
	rec = next();
	assert_int_equal(rec.kind, NOTHING);
	assert_int_equal(nr_told, 1);
	assert_int_equal(synth_age(s), 1);
	enqueue();
	assert_int_equal(nr_told, 1);
	assert_int_equal(synth_age(s), 1);
	assert_true(confine(0, ALL));
	assert_int_equal(nr_told, 1);
	enqueue();
	assert_int_equal(nr_told, 2);
	assert_int_equal(told[0].mask[0], ALL);
}

static void affinity_of_a_wide_machine_comes_in_parts(void **state)
{
	uint64_t mask[13] = { [0] = 1, [12] = 1u << 7 };

	(void)state;
	synth_free(s);
	s = synth_new(1, 13 * 64, 1);
	assert_non_null(s);
	assert_true(synth_affinity(s, 0, mask));
	assert_int_equal(enqueue().nr_cpus_allowed, 2);
	assert_int_equal(nr_told, 2);
	assert_int_equal(told[0].first, 0);
	assert_int_equal(told[0].mask[0], 1);
	assert_int_equal(told[0].mask[11], 0);
	assert_int_equal(told[1].first, 12 * 64);
	assert_int_equal(told[1].mask[0], 1u << 7);
}

static void masks_are_as_wide_as_the_machine(void **state)
{
	const uint64_t mask[3] = { 0, 0, 1u << 1 };
	struct scxlua_record rec;

	(void)state;
	synth_free(s);
	s = synth_new(1, 130, 1);
	assert_non_null(s);
	assert_true(synth_affinity(s, 0, mask));
	assert_true(synth_allows(s, 0, 129));
	assert_false(synth_allows(s, 0, 1));
	rec = enqueue();
	assert_int_equal(rec.cpu, 129);
	assert_int_equal(rec.nr_cpus_allowed, 1);
}

static void cpu_goes_and_comes(void **state)
{
	struct scxlua_record rec = enqueue(), event;

	(void)state;
	assert_true(synth_cpu(s, 2, false));
	event = next();
	assert_int_equal(event.kind, SCXLUA_REC_CPU);
	assert_int_equal(event.cpu, 2);
	assert_int_equal(event.flags, 0);
	assert_int_equal(synth_cpus(s)[2].online, 0);
	assert_int_equal(synth_cpus(s)[2].idle, 0);
	assert_int_equal(synth_control(s)->nr_online, NR_CPUS - 1);
	rec = run(&rec, 2);
	assert_int_not_equal(rec.cpu, 2);
	assert_int_equal(ledger()->bounced, 1);
	for (int i = 0; i < 100; i++) {
		rec = run(&rec, SCX_CPU_ANY);
		assert_int_not_equal(rec.cpu, 2);
		assert_int_equal(synth_cpus(s)[2].idle, 0);
	}
	assert_true(synth_cpu(s, 2, true));
	event = next();
	assert_int_equal(event.kind, SCXLUA_REC_CPU);
	assert_int_equal(event.flags, 1);
	assert_int_equal(synth_control(s)->nr_online, NR_CPUS);
	assert_int_equal(run(&rec, 2).cpu, 2);
}

static void cpu_event_that_is_none(void **state)
{
	(void)state;
	assert_false(synth_cpu(s, 1, true));
	for (uint32_t cpu = 1; cpu < NR_CPUS; cpu++) {
		assert_true(synth_cpu(s, cpu, false));
		assert_int_equal(next().cpu, cpu);
	}
	assert_false(synth_cpu(s, 1, false));
	assert_false(synth_cpu(s, 0, false)); /* the last one */
	assert_int_equal(next().kind, NOTHING);
	assert_int_equal(synth_control(s)->nr_online, 1);
}

/* Waiting or asleep when its only CPU goes. */
static void affinity_without_a_cpu_is_lifted(void **state)
{
	struct scxlua_record rec;

	(void)state;
	assert_true(confine(0, 1u << 3));
	rec = enqueue();
	assert_true(synth_cpu(s, 3, false));
	next();
	assert_true(synth_allows(s, 0, 3));
	rec = run(&rec, SCX_CPU_ANY);
	assert_int_not_equal(rec.cpu, 3);
	assert_int_equal(rec.nr_cpus_allowed, NR_CPUS);
	assert_true(confine(0, 1u << 3));
	rec = next();
	assert_int_equal(rec.nr_cpus_allowed, NR_CPUS);
	assert_int_equal(rec.cpumask_seq, synth_cpumask_seq(s, 0));
}

static void full_ring_refuses_events(void **state)
{
	const struct scx_cpu *cpu = &synth_cpus(s)[1];
	int32_t online;

	(void)state;
	assert_int_equal(synth_enqueue(s, 1), 1);
	while (confine(0, ALL))
		;
	while (synth_cpu(s, 1, !cpu->online))
		;
	online = cpu->online;
	assert_false(synth_cpu(s, 1, !online));
	assert_int_equal(cpu->online, online);
	assert_int_equal(synth_control(s)->nr_online, NR_CPUS - !online);
	assert_true(synth_waits(s, 0));
	assert_int_equal(ledger()->queued, ledger()->cancelled + 1);
	next();
	assert_true(synth_cpu(s, 1, !online));
}

/* Both decisions were made when CPU 1 was idle. */
static void idle_cpu_is_taken_once(void **state)
{
	struct scxlua_record first, second;

	(void)state;
	assert_int_equal(synth_cpus(s)[1].idle, 1);
	first = enqueue();
	second = enqueue();
	send_flags(&first, 1, SCX_IF_IDLE);
	send_flags(&second, 1, SCX_IF_IDLE);
	assert_int_equal(synth_drain(s), 2);
	assert_int_equal(ledger()->decided, 2);
	assert_int_equal(ledger()->idle_missed, 1);
	assert_int_equal(ledger()->bounced, 0);
}

static void kick_is_no_decision(void **state)
{
	struct scxlua_verdict *v = uring_reserve(synth_uring(s));

	(void)state;
	enqueue();
	*v = (struct scxlua_verdict){ .kind = SCXLUA_VERDICT_KICK, .cpu = 1 };
	uring_publish(synth_uring(s));
	assert_int_equal(synth_drain(s), 1);
	assert_int_equal(ledger()->kicks, 1);
	assert_int_equal(ledger()->gone + ledger()->stale + ledger()->decided, 0);
	assert_true(synth_waits(s, 0));
}

static void cpus_come_in_pairs_and_halves(void **state)
{
	const struct scx_cpu *cpus = synth_cpus(s);

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
	const struct scx_cpu *cpus = synth_cpus(s);
	uint32_t busy = 0, idle = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct scxlua_record rec = enqueue();

		send(&rec, 1);
		synth_drain(s);
		assert_int_equal(cpus[1].task_pid, cpus[1].idle ? 0 : rec.pid);
		assert_int_equal(cpus[1].slice_ns, SLICE);
		busy += !cpus[1].idle;
		idle += cpus[1].idle;
	}
	assert_true(busy > 50 && idle > 50);
	assert_int_equal(synth_drain(s), 0);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(cpus[cpu].idle, 1);
}

static void threads_are_found_by_pid(void **state)
{
	int32_t pid = synth_pid(s, 5);

	(void)state;
	assert_int_equal(synth_find(s, pid), 5);
	assert_int_equal(synth_find(s, 1), 64);
	synth_exit(s, 5);
	assert_int_equal(next().kind, NOTHING); /* nobody knew it */
	assert_int_not_equal(synth_pid(s, 5), pid);
	assert_int_equal(synth_find(s, pid), 5);
	assert_int_equal(synth_find(s, synth_pid(s, 5)), 5);
	assert_int_equal(synth_enqueue(s, 6), 6);
	assert_int_equal(synth_last(s), 5);
	synth_exit(s, 5);
	assert_false(synth_waits(s, 5));
	assert_int_equal(ledger()->exited, 1);
}

static void one_thread_in_sixteen_is_pinned(void **state)
{
	uint32_t pinned = 0;

	(void)state;
	assert_int_equal(synth_enqueue(s, 64), 64);
	for (int i = 0; i < 64; i++) {
		struct scxlua_record rec = next();
		uint32_t thread = synth_find(s, rec.pid);

		if (rec.nr_cpus_allowed == NR_CPUS)
			continue;
		pinned++;
		for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++)
			assert_int_equal(synth_allows(s, thread, cpu), (int32_t)cpu == rec.cpu);
	}
	assert_int_equal(pinned, 4);
}

static void time_is_made_up(void **state)
{
	const uint64_t *clock = synth_clock(s);
	uint64_t begin = *clock;
	struct scxlua_record rec = enqueue();

	(void)state;
	assert_true(begin > 0);
	assert_int_equal(rec.enqueue_ns, begin);
	synth_step(s, 5000);
	assert_int_equal(*clock, begin + 5000 + 100);
	rec = run(&rec, 0);
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
	synth_follow(s, now_ns);
	assert_int_equal(*synth_clock(s), 70000);
	rec = enqueue();
	followed_ns = 90000;
	rec = run(&rec, 0);
	assert_int_equal(rec.start_ns, 90001);
	assert_true(rec.stop_ns > rec.start_ns && rec.stop_ns < 90010);
	assert_true(rec.sum_exec_ns > 0);
	followed_ns = 95000;
	synth_follow(s, NULL);
	followed_ns = 96000;
	synth_step(s, 10);
	assert_int_equal(*synth_clock(s), 95010);
}

/* ---- everything at random ---- */

static void decide_some(uint64_t *seed)
{
	struct scxlua_record rec;

	while ((rec = next()).kind != NOTHING)
		if (rec.kind == SCXLUA_REC_ENQUEUE && unit_below(seed, 4) &&
		    uring_room(synth_uring(s)))
			send(&rec, (int32_t)unit_below(seed, NR_CPUS + 2) - 1);
}

static void random_step(uint64_t *seed)
{
	uint32_t i = unit_below(seed, 64);
	uint64_t mask = unit_random(seed);

	switch (unit_below(seed, 7)) {
	case 0:
		synth_affinity(s, i, &mask);
		break;
	case 1:
		synth_cpu(s, unit_below(seed, NR_CPUS), unit_below(seed, 2));
		break;
	case 2:
		synth_exit(s, i);
		break;
	case 3:
		synth_age(s);
		break;
	case 4:
		synth_drain(s);
		break;
	default:
		synth_enqueue(s, i);
		decide_some(seed);
	}
}

static void check_machine(void)
{
	const struct synth_ledger *l = ledger();
	uint32_t waiting = 0, online = 0;

	for (uint32_t i = 0; i < 64; i++)
		waiting += synth_waits(s, i);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		online += (uint32_t)synth_cpus(s)[cpu].online;
		assert_true(synth_cpus(s)[cpu].online || !synth_cpus(s)[cpu].idle);
		assert_true(!synth_cpus(s)[cpu].idle || !synth_cpus(s)[cpu].task_pid);
	}
	assert_int_equal(l->queued, l->decided + l->aged_out + l->cancelled + l->exited + waiting);
	assert_int_equal(synth_control(s)->nr_online, online);
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

	assert_int_equal(many_threads(NULL), 0);
	hash = 0;
	for (int i = 0; i < 2000; i++)
		random_step(&seed);
	hash = hash * 31 + ledger()->decided;
	synth_free(s);
	return hash;
}

static void same_seed_same_machine(void **state)
{
	(void)state;
	assert_int_equal(hash_of_a_run(), hash_of_a_run());
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, one_thread, tear_down)
#define MANY(test) cmocka_unit_test_setup_teardown(test, many_threads, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(thread_runs_where_it_is_sent),
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
		ONE(busy_cpus_say_what_runs),
		MANY(idle_cpu_is_taken_once),
		ONE(kick_is_no_decision),
		ONE(cpus_come_in_pairs_and_halves),
		MANY(threads_are_found_by_pid),
		MANY(one_thread_in_sixteen_is_pinned),
		ONE(time_is_made_up),
		ONE(time_follows_another_clock),
		MANY(ledger_balances_at_random),
		cmocka_unit_test(same_seed_same_machine),
	};

	return cmocka_run_group_tests_name("synth", tests, NULL, NULL);
}
