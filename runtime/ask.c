// SPDX-License-Identifier: GPL-2.0-only
/*
 * ask.c - what a policy asks, through FFI, while one of its hooks runs. The prototypes are in
 * abi.h.
 *
 *   scx_allowed(task, cpu)	1 if the task may run there, else 0; also for a CPU that is none
 *   scx_pick_idle(task, llc)	an idle CPU for the task, or SCX_CPU_ANY: see below
 *   scx_kick(cpu, flags)	0; -1 if the ring to the kernel is full
 *   scx_nr_held()		tasks handed to the policy that it has not decided
 *   scx_nr_queued()		decided tasks that wait in the kernel or are on their way there
 *   scx_nr_running()		CPUs that run a task of the scheduler's
 *
 * All of it is plain memory: no system call, no lock, no allocation. Outside of a hook there is
 * nobody to ask: no, none, 0. A task that is not in the table may run nowhere.
 */
#include "engine_state.h"

enum {
	LENT_NS = 1000 *
		  1000, /* after that long a CPU that was given out and is idle is free again */
	MAX_SIBLINGS = 16,
	BEST_FIT = 6,
};

int scx_allowed(const struct scx_task *task, double cpu)
{
	const struct engine *e = engine_running;

	if (!e || !(cpu >= 0 && cpu < e->view.nr_cpus) || !table_owns(e->table, task))
		return 0;
	return table_allows(e->table, task, (uint32_t)cpu);
}

/* ---- an idle CPU ---- */

/*
 * A CPU stays idle in the table until a decision has reached it, so one that was given out must
 * not be given out again meanwhile. It is free again when it was seen busy, or after LENT_NS: the
 * policy may have thought better of it.
 */
static bool is_free(struct engine *e, uint32_t cpu)
{
	const struct scx_cpu *row = &e->view.cpus[cpu];

	if (!__atomic_load_n(&row->idle, __ATOMIC_RELAXED)) {
		e->lent_ns[cpu] = 0;
		return false;
	}
	return __atomic_load_n(&row->online, __ATOMIC_RELAXED) &&
	       (!e->lent_ns[cpu] || e->outbox->now_ns - (double)e->lent_ns[cpu] > LENT_NS);
}

static bool is_core_free(struct engine *e, uint32_t cpu)
{
	uint32_t i = cpu;

	for (int n = 0; n < MAX_SIBLINGS; n++) {
		i = (uint32_t)e->view.cpus[i].sibling;
		if (i == cpu || i >= e->view.nr_cpus || i >= e->nr_lent)
			return true;
		if (!is_free(e, i))
			return false;
	}
	return true;
}

/* The better, the higher; 0 = not at all. `last` is the CPU that the task last ran on. */
static int fitness(struct engine *e, const struct scx_task *task, uint32_t cpu, uint32_t last,
		   double llc)
{
	bool is_near = e->view.cpus[cpu].llc == e->view.cpus[last].llc;

	if (llc != -1 && e->view.cpus[cpu].llc != llc)
		return 0;
	if (!is_free(e, cpu) || !table_allows(e->table, task, cpu))
		return 0;
	if (is_core_free(e, cpu))
		return cpu == last ? BEST_FIT : is_near ? 5 : 4;
	return cpu == last ? 3 : is_near ? 2 : 1;
}

/*
 * Whole cores first: that of the last CPU, one on the same last-level cache, any; then single
 * CPUs: the last one, one on the same cache, any. The order is that of the kernel's
 * scx_select_cpu_dfl(). Linear in the number of CPUs, unless the last one is the best. Only CPUs of
 * last-level cache `llc` count, unless it is -1; a number that is no cache has none.
 */
int scx_pick_idle(const struct scx_task *task, double llc)
{
	struct engine *e = engine_running;
	uint32_t last, best, nr_cpus;
	int best_fit;

	if (!e || !table_owns(e->table, task))
		return SCX_CPU_ANY;
	nr_cpus = e->view.nr_cpus < e->nr_lent ? e->view.nr_cpus : e->nr_lent;
	if (nr_cpus == 0)
		return SCX_CPU_ANY;
	last = (uint32_t)task->cpu < nr_cpus ? (uint32_t)task->cpu : 0;
	best = last;
	best_fit = fitness(e, task, last, last, llc);
	for (uint32_t cpu = 0; cpu < nr_cpus && best_fit < BEST_FIT; cpu++) {
		int fit = fitness(e, task, cpu, last, llc);

		if (fit > best_fit) {
			best = cpu;
			best_fit = fit;
		}
	}
	if (!best_fit)
		return SCX_CPU_ANY;
	e->lent_ns[best] = (uint64_t)e->outbox->now_ns;
	return (int)best;
}

/* ---- the rest ---- */

int scx_kick(double cpu, uint32_t flags)
{
	struct engine *e = engine_running;

	return e && !engine_kick(e, cpu, flags) ? -1 : 0;
}

uint32_t scx_nr_held(void)
{
	const struct engine *e = engine_running;

	if (!e)
		return 0;
	return e->held > e->outbox->n ? e->held - e->outbox->n : 0;
}

uint32_t scx_nr_queued(void)
{
	const struct engine *e = engine_running;

	return e ? (uint32_t)engine_queued(e, 0) + e->outbox->n : 0;
}

uint32_t scx_nr_running(void)
{
	const struct engine *e = engine_running;
	uint32_t nr = 0;

	for (uint32_t i = 0; e && i < e->view.nr_cpus; i++)
		nr += __atomic_load_n(&e->view.cpus[i].task_pid, __ATOMIC_RELAXED) != 0;
	return nr;
}
