// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bpf_sim.c - a long random life of the machine, the same each time: tasks wake, run, sleep,
 * change affinity, end, have their pids reused, CPUs come and go, and the worker does everything
 * wrong that a worker can do. Whatever it does, nobody waits for ever and the ledger is exact.
 */
#include "under_test.h"

enum { TASKS = 60, EVENTS = 1000000, PIDS = 100 };

/* How the worker behaves. */
enum worker_kind { ANY, DEAD, GOOD, UNFAIR };

struct sim {
	__UINT64_TYPE__ seed; /* as unit.h has it */
	enum worker_kind kind;
	u64 longest_ns; /* any wait of any task */
	u64 events;
	u64 posted;
	struct scxlua_verdict delayed[64];
	u32 nr_delayed;
	struct model_task *worker;
	u64 next_tick;
	int pinned; /* percent of tasks with one CPU */
	int hotplug;
	int chaos; /* affinity, exits, forks */
};

static struct sim sim;

static u32 below(u32 n)
{
	return unit_below(&sim.seed, n);
}

static u64 random_mask(void)
{
	u64 mask = below((1u << model.nr_cpus) - 1) + 1;

	if ((int)below(100) < sim.pinned)
		mask = 1ull << below((u32)model.nr_cpus);
	/* With hotplug CPU 0 stays, and is allowed to all: see pinned_on_offline_cpu. */
	return sim.hotplug ? mask | 1 : mask;
}

static int pid_taken(int pid)
{
	int i;

	for (i = 0; i < MODEL_TASKS; i++)
		if (model.task[i] && model.task[i]->p.pid == pid)
			return 1;
	return 0;
}

static void fork_one(void)
{
	int pid = 1000 + (int)below(PIDS);
	struct model_task *t;

	while (pid_taken(pid))
		pid = 1000 + (int)below(PIDS);
	t = model_fork(pid, pid, random_mask());
	t->p.scx.weight = 1 + below(300);
}

static struct model_task *random_task(void)
{
	struct model_task *t;

	do
		t = model.task[below(TASKS + 2)];
	while (!t || t == sim.worker);
	return t;
}

static void post(const struct scxlua_verdict *v)
{
	if (model.sample_tail - model.sample_head < MODEL_SAMPLES - 1) {
		model_verdict(v);
		sim.posted++;
	}
}

static void post_wrongly(struct scxlua_verdict *v)
{
	switch (below(12)) {
	case 0: /* dropped */
		return;
	case 1: /* doubled */
		post(v);
		break;
	case 2: /* delayed, so also reordered, stale, for dead and reused pids */
		if (sim.nr_delayed < 64) {
			sim.delayed[sim.nr_delayed++] = *v;
			return;
		}
		break;
	case 3:
		v->cpu = (int)below(1000) - 500;
		break;
	case 4:
		v->seq += below(3) - 1u;
		break;
	case 5:
		v->pid = 1000 + (int)below(PIDS);
		break;
	case 6:
		v->cookie = below(1000);
		break;
	case 7:
		v->vtime = unit_random(&sim.seed) >> 1;
		break;
	case 8:
		v->flags = below(4);
		break;
	}
	post(v);
}

static void post_delayed(void)
{
	while (sim.nr_delayed && below(3)) {
		u32 i = below(sim.nr_delayed);

		post(&sim.delayed[i]);
		sim.delayed[i] = sim.delayed[--sim.nr_delayed];
	}
}

/* One cycle, on the CPU that the worker has. */
static void worker_cycle(void)
{
	struct scxlua_record rec;
	int n = 0;

	while (n++ < 200 && model_take_record(&rec)) {
		struct scxlua_verdict v = { .cookie = rec.cookie,
					    .seq = rec.seq,
					    .slice_ns = (1 + below(10)) * MS,
					    .pid = rec.pid };

		if (rec.kind != SCXLUA_REC_ENQUEUE)
			continue;
		v.cpu = below(2) ? SCX_CPU_ANY : (int)below((u32)model.nr_cpus);
		v.vtime = model.now;
		if (sim.kind == UNFAIR)
			v.vtime = (u64)rec.pid << 40;
		if (sim.kind == ANY)
			post_wrongly(&v);
		else
			post(&v);
	}
	post_delayed();
	control.stalled = n == 1;
	if (sim.kind == ANY)
		control.held = below(5);
	control.heartbeat_ns = model.now;
	if (sim.kind == ANY && !below(50)) /* an endless loop: the slice will end it */
		return;
	model_yield(sim.worker);
}

static void time_passes(void)
{
	int cpu;

	model_advance(below(400000));
	if (model.now >= model.timer_at)
		model_timer_fire();
	if (model.now >= sim.next_tick) {
		sim.next_tick = model.now + 4 * MS;
		for (cpu = 0; cpu < model.nr_cpus; cpu++)
			model_tick(cpu);
	}
	model_run_all();
}

static void wake_or_not(struct model_task *t)
{
	if (!(t->p.scx.flags & SCX_TASK_QUEUED))
		model_wake(t);
}

static void stop_or_not(struct model_task *t, u32 what)
{
	if (t->running && what & 7)
		model_sleep(t);
	else if (t->running)
		model_yield(t);
}

static void random_chaos(struct model_task *t, u32 what)
{
	int cpu;

	if (what < 602) {
		model_setaffinity(t, random_mask());
	} else if (what < 604) {
		model_exit(t);
		fork_one();
	} else if (what < 606 && sim.hotplug) {
		cpu = 1 + (int)below((u32)model.nr_cpus - 1);
		model_hotplug(cpu, (int)below(2));
	} else if (sim.kind != ANY) {
		return;
	} else if (what == 606) {
		control.bypass = !below(4);
	} else if (what == 607) {
		model.record_cap = below(4) ? MODEL_RECORDS : below(20);
	} else if (what == 608) {
		model.drain_busy = (int)below(3);
	}
}

static void random_event(void)
{
	struct model_task *t = random_task();
	u32 what = below(1000);

	model.this_cpu = (int)below((u32)model.nr_cpus);
	while (!model.cpu[model.this_cpu].online)
		model.this_cpu = (int)below((u32)model.nr_cpus);
	if (sim.worker->running && sim.kind != DEAD && below(4))
		worker_cycle();
	else if (what < 300)
		wake_or_not(t);
	else if (what < 600)
		stop_or_not(t, what);
	else if (sim.chaos)
		random_chaos(t, what);
	sim.events++;
}

static void note_waits(void)
{
	int i;

	for (i = 0; i < MODEL_TASKS; i++) {
		struct model_task *t = model.task[i];
		u64 wait = 0;

		if (!t || t == sim.worker)
			continue;
		if (t->p.scx.flags & SCX_TASK_QUEUED && !t->running)
			wait = model.now - t->runnable_ns;
		if (t->longest_wait_ns > wait)
			wait = t->longest_wait_ns;
		if (wait > sim.longest_ns)
			sim.longest_ns = wait;
	}
}

static void check_ledger_open(void)
{
	struct scxlua_counters sum = total();
	u64 open = 0;
	int i;

	for (i = 0; i < MODEL_TASKS; i++)
		if (model.task[i] && (ctx(model.task[i])->word & TASK_STATE_MASK) == TASK_HELD)
			open++;
	assert_int_equal(sum.queued,
			 sum.decided + sum.aged_out + sum.cancelled + sum.exited + open);
}

static void start(enum worker_kind kind, u64 seed, int tasks)
{
	int i;

	machine(4);
	memset(&sim, 0, sizeof(sim));
	sim.kind = kind;
	sim.seed = seed;
	sim.pinned = 20;
	sim.chaos = 1;
	sim.hotplug = kind == ANY;
	config()->fault_no_bypass = kind == DEAD || kind == UNFAIR;
	sim.worker = model_fork(WORKER_PID, WORKER_PID, ~0ull);
	for (i = 0; i < tasks; i++)
		fork_one();
	model_wake(sim.worker);
	model_run_all();
}

static void run(u64 events)
{
	while (sim.events < events) {
		random_event();
		time_passes();
		if (!(sim.events & 255)) {
			note_waits();
			if (!(sim.events & 4095))
				check_ledger_open();
		}
	}
	note_waits();
}

static void finish(const char *what)
{
	struct scxlua_counters s;

	model_exit_all();
	s = total();
	assert_int_equal(s.queued, s.decided + s.aged_out + s.cancelled + s.exited);
	print_message(
		"# %s: queued %llu = decided %llu + aged_out %llu + cancelled %llu + exited %llu;"
		" stale %llu gone %llu late %llu bounced %llu starved %llu; longest wait %llu ms\n",
		what, s.queued, s.decided, s.aged_out, s.cancelled, s.exited, s.stale, s.gone,
		s.late, s.bounced, s.starved, sim.longest_ns / MS);
	assert_true(s.queued > 1000);
}

static void random_worker(void **state)
{
	struct scxlua_counters s;

	(void)state;
	start(ANY, 1, TASKS);
	run(EVENTS);
	s = total();
	assert_true(s.stale && s.gone && s.late && s.bounced && s.aged_out && s.congested);
	finish("random worker");
	assert_true(sim.longest_ns < 5000 * MS);
}

static void sane_worker(void **state)
{
	(void)state;
	start(GOOD, 2, 30);
	run(EVENTS / 5);
	finish("good worker");
	assert_true(sim.longest_ns < 1000 * MS);
}

static void dead_worker(void **state)
{
	(void)state;
	/* Few tasks, so that waiting for the worker is what they wait for. */
	start(DEAD, 3, 6);
	sim.pinned = 0;
	run(EVENTS / 5);
	finish("dead worker");
	assert_int_equal(total().decided, 0);
	/* hold limit, two rounds of the timer, and the slices of those before it */
	assert_true(sim.longest_ns < config()->hold_ns * 2 + 6 * config()->slice_ns);
}

static void unfair_worker(void **state)
{
	(void)state;
	start(UNFAIR, 4, TASKS);
	run(EVENTS / 5);
	finish("unfair worker");
	/* starve limit, the timer, and all others before it with half of one CPU */
	assert_true(sim.longest_ns <
		    config()->starve_ns + 10 * MS + 2ull * TASKS * config()->slice_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_worker, teardown),
		cmocka_unit_test_teardown(sane_worker, teardown),
		cmocka_unit_test_teardown(dead_worker, teardown),
		cmocka_unit_test_teardown(unfair_worker, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
