// SPDX-License-Identifier: GPL-2.0-only
/*
 * commit.c - from what a policy wrote into the outbox to what the kernel is sent.
 *
 * The outbox is the policy's memory: nothing in it is believed. Every decision is checked against
 * the task table and the machine, what is impossible is replaced or dropped, and counted.
 */
#include "engine_state.h"

#include <string.h>

#define VTIME_MAX INT64_MAX /* the kernel compares vtimes by the sign of their difference */

/* ---- validation ---- */

/* Every test is written so that NaN fails it: only then is a cast defined. */
static int32_t valid_cpu(struct engine *e, double cpu)
{
	int32_t i;

	if (cpu == SCX_CPU_ANY)
		return SCX_CPU_ANY;
	if (cpu >= 0 && cpu < e->view.nr_cpus) {
		i = (int32_t)cpu;
		if (i == cpu && __atomic_load_n(&e->view.cpus[i].online, __ATOMIC_RELAXED))
			return i;
	}
	e->stats->bad_cpu++;
	return SCX_CPU_ANY;
}

/* The policy can set it, and scribble on it. */
static uint64_t default_slice(const struct engine *e)
{
	uint64_t slice_ns = (uint64_t)e->outbox->default_slice_us_ * 1000;

	return slice_ns >= e->cfg.min_slice_ns && slice_ns <= e->cfg.max_slice_ns ? slice_ns :
										    e->cfg.slice_ns;
}

static uint64_t valid_slice(struct engine *e, double slice_ns)
{
	const struct engine_config *cfg = &e->cfg;

	if (slice_ns == 0)
		return default_slice(e);
	if (slice_ns >= e->min_slice_ns && slice_ns <= e->max_slice_ns)
		return (uint64_t)(int64_t)slice_ns;
	e->stats->bad_slice++;
	if (slice_ns > e->max_slice_ns)
		return cfg->max_slice_ns;
	return slice_ns > 0 ? cfg->min_slice_ns : default_slice(e);
}

static bool is_vtime(double vtime)
{
	return vtime >= 0 && vtime < (double)VTIME_MAX;
}

static uint64_t clamp_vtime(double vtime)
{
	if (is_vtime(vtime))
		return (uint64_t)(int64_t)vtime; /* signed: one instruction, not a dozen */
	return vtime > 0 ? VTIME_MAX : 0;
}

static uint64_t valid_vtime(struct engine *e, double vtime)
{
	if (!is_vtime(vtime))
		e->stats->bad_vtime++;
	return clamp_vtime(vtime);
}

static uint32_t valid_flags(struct engine *e, uint32_t flags)
{
	if (flags & ~(uint32_t)(SCX_PREEMPT | SCX_IF_IDLE))
		e->stats->bad_flags++;
	return flags & (SCX_PREEMPT | SCX_IF_IDLE);
}

/* ---- commit ---- */

static void fill_verdict(struct scxlua_verdict *v, const struct scx_task *task)
{
	v->cookie = task->cookie_;
	v->seq = task->seq_;
	v->pid = task->pid;
	v->kind = SCXLUA_VERDICT_TASK;
}

/* For tests, to show that the checks are needed: whatever the processor makes of the numbers. */
static void fill_unchecked(struct scxlua_verdict *v, const struct scx_decision *d)
{
	v->cpu = d->cpu > INT32_MIN && d->cpu < INT32_MAX ? (int32_t)d->cpu : INT32_MIN;
	v->slice_ns = d->slice_ns > 0 && d->slice_ns < 0x1p63 ? (uint64_t)d->slice_ns : UINT64_MAX;
	v->vtime = d->vtime > 0 && d->vtime < 0x1p63 ? (uint64_t)d->vtime : UINT64_MAX;
	v->flags = d->flags;
}

/* Commits one decision or rejects it; false if there is no room for it in the ring. */
static bool engine_decide(struct engine *e, const struct scx_decision *d)
{
	struct scx_task *task = d->task;
	struct scxlua_verdict *v;

	if (!table_owns(e->table, task)) {
		e->stats->reject_unknown++;
		return true;
	}
	if (!task->held_) {
		e->stats->reject_twice++;
		return true;
	}
	v = uring_reserve(e->out);
	if (!v)
		return false;
	fill_verdict(v, task);
	if (__builtin_expect(e->cfg.no_validate, 0)) {
		fill_unchecked(v, d);
	} else {
		v->cpu = valid_cpu(e, d->cpu);
		v->slice_ns = valid_slice(e, d->slice_ns);
		v->vtime = valid_vtime(e, d->vtime);
		v->flags = valid_flags(e, d->flags);
	}
	e->vtime = v->vtime;
	task->vtime = (double)(int64_t)v->vtime;
	engine_let_go(e, task);
	e->stats->committed++;
	return true;
}

uint32_t engine_flush(struct engine *e)
{
	struct scx_outbox *outbox = e->outbox;
	uint32_t n = outbox->n < ENGINE_OUTBOX ? outbox->n : ENGINE_OUTBOX;
	uint32_t done = 0;
	uint32_t counted;

	while (done < n && engine_decide(e, &outbox->decision[done]))
		done++;
	if (done)
		uring_publish(e->out);
	outbox->n = n - done;
	if (done && outbox->n)
		memmove(outbox->decision, &outbox->decision[done],
			outbox->n * sizeof(outbox->decision[0]));
	counted = e->refused > done ? e->refused - done : 0;
	if (counted > outbox->n)
		counted = outbox->n;
	e->stats->outbox_full += outbox->n - counted;
	e->refused = outbox->n;
	return outbox->n;
}

bool engine_kick(struct engine *e, double cpu, uint32_t flags)
{
	struct scxlua_verdict *v;
	int32_t valid = valid_cpu(e, cpu);

	if (valid == SCX_CPU_ANY) {
		if (cpu == SCX_CPU_ANY)
			e->stats->bad_cpu++;
		return true;
	}
	if (engine_flush(e)) /* in the order in which the policy said it */
		return false;
	v = uring_reserve(e->out);
	if (!v)
		return false;
	*v = (struct scxlua_verdict){
		.kind = SCXLUA_VERDICT_KICK,
		.cpu = valid,
		.flags = valid_flags(e, flags) & SCX_PREEMPT,
	};
	uring_publish(e->out);
	return true;
}

int scx_outbox_flush(void)
{
	return engine_running ? (int)engine_flush(engine_running) : 0;
}

/* The decision of the runtime: any CPU, the default slice. */
static bool send_default(struct engine *e, struct scxlua_verdict key)
{
	struct scxlua_verdict *v = uring_reserve(e->out);

	if (!v) {
		e->stats->outbox_full++;
		return false;
	}
	key.cpu = SCX_CPU_ANY;
	key.slice_ns = default_slice(e);
	*v = key;
	uring_publish(e->out);
	e->stats->defaulted++;
	e->stats->committed++;
	return true;
}

/* With its vtime of last time the task neither jumps the queue nor falls behind. */
void engine_default_task(struct engine *e, struct scx_task *task)
{
	struct scxlua_verdict key = { .vtime = clamp_vtime(task->vtime) };

	fill_verdict(&key, task);
	if (send_default(e, key))
		engine_let_go(e, task);
}

/* No slot: the vtime of whoever was decided last puts it somewhere in the queue. */
void engine_default_record(struct engine *e, const struct scxlua_record *rec)
{
	struct scxlua_verdict key = {
		.cookie = rec->cookie, .seq = rec->seq, .pid = rec->pid, .vtime = e->vtime
	};

	e->stats->table_full++;
	send_default(e, key);
}

/* Decisions about a task that go with it: its slot may be another thread's soon. */
void engine_forget_decisions(struct engine *e, const struct scx_task *task)
{
	struct scx_outbox *outbox = e->outbox;
	uint32_t n = 0;

	if (outbox->n > ENGINE_OUTBOX)
		outbox->n = ENGINE_OUTBOX;
	for (uint32_t i = 0; i < outbox->n; i++) {
		if (outbox->decision[i].task == task)
			e->stats->reject_unknown++;
		else
			outbox->decision[n++] = outbox->decision[i];
	}
	outbox->n = n;
	if (e->refused > n)
		e->refused = n;
}
