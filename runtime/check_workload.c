// SPDX-License-Identifier: GPL-2.0-only
/* check_workload.c - what a policy is put through on one machine, one function each. */
#include "check_trial.h"

enum {
	BURSTS = 2,
	STEADY_TASKS = 8192, /* per batch size */
	CHURN_ROUNDS = 2048,
	AFFINITY_ROUNDS = 512,
	HOTPLUG_ROUNDS = 160,
};

/* All threads at once. */
static void run_burst(struct trial *t)
{
	for (int i = 0; i < BURSTS; i++) {
		trial_batch(t, TRIAL_THREADS);
		trial_quiet(t);
	}
}

/* Batches of one size, then of another. */
static void run_steady(struct trial *t)
{
	static const uint32_t sizes[] = { 512, 64, 8, 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (uint32_t n = 0; n < STEADY_TASKS; n += sizes[i])
			trial_batch(t, sizes[i]);
	trial_quiet(t);
}

/*
 * Threads end: their enqueue not yet read, held by a policy that waits to be asked, decided and
 * on the way to the kernel, running or asleep, never enqueued at all.
 */
static void run_churn(struct trial *t)
{
	for (uint32_t i = 0; i < CHURN_ROUNDS; i++) {
		uint32_t when = i % 5, thread;

		synth_enqueue(t->synth, 8);
		thread = when == 4 ? i * 7 % TRIAL_THREADS : synth_last(t->synth);
		trial_fill(t, when == 1);
		if (when > 0)
			trial_cycle(t);
		if (when == 3)
			synth_drain(t->synth);
		synth_exit(t->synth, thread);
		trial_fill(t, false);
		trial_cycle(t);
		trial_cycle(t);
		synth_drain(t->synth);
	}
	trial_quiet(t);
	trial_end_threads(t, TRIAL_THREADS);
}

/* A thread that was enqueued not long ago. */
static uint32_t recent(const struct trial *t, uint32_t back)
{
	return (synth_last(t->synth) + TRIAL_THREADS - back) % TRIAL_THREADS;
}

static void set_mask(struct trial *t, uint32_t back, uint64_t mask)
{
	synth_affinity(t->synth, recent(t, back), &mask);
}

/* Pinned, two CPUs, the others, all. */
static void change_masks(struct trial *t, uint32_t i)
{
	uint32_t cpu = i % TRIAL_CPUS;

	set_mask(t, 1, 1u << cpu);
	set_mask(t, 4, 1u << cpu | 1u << (cpu + 3) % TRIAL_CPUS);
	set_mask(t, 9, ~(1u << cpu));
	set_mask(t, 16, ~0u);
	set_mask(t, 25, ~0u);
	set_mask(t, 29, ~(1u << cpu));
	set_mask(t, 31, 1u << (cpu + 5) % TRIAL_CPUS);
	set_mask(t, 40, 1u << (cpu + 1) % TRIAL_CPUS); /* asleep, most likely */
}

/*
 * Masks change while the enqueue is not yet read, while the task is held, while it sleeps; the
 * CPU that tasks are pinned to goes offline under them, and they are lifted from it.
 */
static void run_affinity(struct trial *t)
{
	for (uint32_t i = 0; i < AFFINITY_ROUNDS; i++) {
		bool lose = i % 8 == 7;

		synth_enqueue(t->synth, 32);
		trial_fill(t, i % 2);
		if (i % 4)
			trial_cycle(t);
		change_masks(t, i);
		if (i % 2)
			trial_cycle(t);
		if (lose)
			synth_cpu(t->synth, i % TRIAL_CPUS, false);
		trial_fill(t, false);
		trial_cycle(t);
		synth_drain(t->synth);
		trial_batch(t, 1);
		if (lose)
			synth_cpu(t->synth, i % TRIAL_CPUS, true);
	}
	trial_quiet(t);
}

/* CPUs go and come back while tasks are held, one at a time or all but one. */
static void run_hotplug(struct trial *t)
{
	for (uint32_t i = 0; i < HOTPLUG_ROUNDS; i++) {
		uint32_t first = i % TRIAL_CPUS, nr = i % 16 == 15 ? TRIAL_CPUS - 1 : 1 + i % 2;

		synth_enqueue(t->synth, 64);
		trial_fill(t, true);
		trial_cycle(t);
		for (uint32_t k = 0; k < nr; k++)
			synth_cpu(t->synth, (first + k) % TRIAL_CPUS, false);
		trial_batch(t, i % 4 ? 16 : 0);
		trial_fill(t, false);
		trial_batch(t, 16);
		for (uint32_t k = 0; k < nr; k++)
			synth_cpu(t->synth, (first + k) % TRIAL_CPUS, true);
		trial_batch(t, 16);
	}
	trial_quiet(t);
}

const struct check_load_row check_loads[NR_LOADS] = {
	[LOAD_BURST] = { "burst", "every thread wakes at once", run_burst },
	[LOAD_STEADY] = { "steady", "batches of 512, 64, 8 and 1", run_steady },
	[LOAD_CHURN] = { "churn", "threads end while queued, held and running", run_churn },
	[LOAD_AFFINITY] = { "affinity", "masks change, also under tasks that are held",
			    run_affinity },
	[LOAD_HOTPLUG] = { "hotplug", "CPUs go and come while tasks are held", run_hotplug },
	[LOAD_RELOAD] = { "reload", "the policy's state and held tasks go to a new copy", NULL },
	[LOAD_GROWTH] = { "growth", "what is kept as threads come and go", NULL },
};
