// SPDX-License-Identifier: GPL-2.0-only
/*
 * running.c - how urgent the threads are that have a CPU now, and which of them should give it up
 * for one that was woken. For policies, through FFI; the prototypes are in abi.h.
 *
 *   scx_running_new(nr_cpus)		an empty record for CPUs below that; NULL if memory is short
 *   scx_running_free(r)		and away with it; NULL, or what is none, is ignored
 *   scx_running_set(r, task, rank)	how urgent the task is, the lower the more, for when it runs
 *   scx_running_victim(r, task, rank)	the CPU to interrupt for a task of that rank, or SCX_CPU_ANY
 *
 * The kernel says who runs by pid only, hence ranks by pid: in a table of fixed size that a thread
 * shares with all whose pids have the same low bits. Whoever was set last is known, the others are
 * not. A thread that ends is forgotten. Outside of a hook nobody runs.
 */
#include <math.h>
#include <stdlib.h>

#include "engine_state.h"

enum {
	SLOTS = 4096, /* power of two */
	SCAN = 32,    /* CPUs that are looked at: each is a cache line that another CPU writes */
};

#define FREE INFINITY
#define HANDS_OFF (-INFINITY)

struct known {
	double rank;
	int32_t pid; /* 0 = nobody */
};

struct scx_running {
	struct scx_running *next; /* of all there are */
	uint32_t nr_cpus;
	struct known known[SLOTS]; /* by the low bits of the pid */
	uint64_t promised[];	   /* by CPU: since_ns of the thread whose place is given away */
};

static struct scx_running *all;

struct scx_running *scx_running_new(uint32_t nr_cpus)
{
	struct scx_running *r = calloc(1, sizeof(*r) + nr_cpus * sizeof(r->promised[0]));

	if (!r)
		return NULL;
	r->nr_cpus = nr_cpus;
	for (uint32_t i = 0; i < nr_cpus; i++)
		r->promised[i] = UINT64_MAX;
	r->next = all;
	all = r;
	return r;
}

void scx_running_free(struct scx_running *r)
{
	struct scx_running **at = &all;

	while (*at && *at != r)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = r->next;
	free(r);
}

static uint32_t slot_of(int32_t pid)
{
	return (uint32_t)pid % SLOTS;
}

void scx_running_set(struct scx_running *r, const struct scx_task *task, double rank)
{
	const struct engine *e = engine_running;

	if (r && e && table_owns(e->table, task) && !isnan(rank))
		r->known[slot_of(task->pid)] = (struct known){ .rank = rank, .pid = task->pid };
}

void running_forget(int32_t pid)
{
	for (struct scx_running *r = all; r; r = r->next)
		if (r->known[slot_of(pid)].pid == pid)
			r->known[slot_of(pid)].pid = 0;
}

/*
 * The rank of what runs on the CPU, as far as it concerns the task. None of ours runs where the
 * CPU is idle, or where the worker is, which is here: that CPU takes the next task when this
 * batch is decided. (Or another class has it; then the worker's is another one.) What was promised
 * stays so until the CPU gets another thread. A thread that is not known is left alone.
 */
static double rank_on(const struct scx_running *r, const struct scx_task *task, uint32_t cpu)
{
	const struct engine *e = engine_running;
	const struct scx_cpu *row = &e->view.cpus[cpu];
	int32_t pid = __atomic_load_n(&row->task_pid, __ATOMIC_RELAXED);
	const struct known *known = &r->known[slot_of(pid)];

	if (!__atomic_load_n(&row->online, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&row->since_ns, __ATOMIC_RELAXED) == r->promised[cpu] ||
	    !table_allows(e->table, task, cpu))
		return HANDS_OFF;
	if (!pid)
		return FREE;
	return known->pid == pid ? known->rank : HANDS_OFF;
}

int scx_running_victim(struct scx_running *r, const struct scx_task *task, double rank)
{
	const struct engine *e = engine_running;
	double worst = rank;
	int best = SCX_CPU_ANY;
	uint32_t nr, cpu;

	if (!r || !e || !table_owns(e->table, task))
		return SCX_CPU_ANY;
	nr = r->nr_cpus < e->view.nr_cpus ? r->nr_cpus : e->view.nr_cpus;
	cpu = (uint32_t)task->cpu;
	for (uint32_t i = 0; i < nr && i < SCAN && worst < FREE; i++, cpu++) {
		double on;

		if (cpu >= nr)
			cpu = 0;
		on = rank_on(r, task, cpu);
		if (on > worst) {
			worst = on;
			best = (int)cpu;
		}
	}
	if (best == SCX_CPU_ANY)
		return best;
	r->promised[best] = __atomic_load_n(&e->view.cpus[best].since_ns, __ATOMIC_RELAXED);
	return worst < FREE ? best : SCX_CPU_ANY;
}
