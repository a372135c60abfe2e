// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel_model.c - the scheduler core of kernel_model.h: who calls the ops, and when. Orders of
 * calls follow kernel/sched/ext.c: a task that sleeps is dequeued (stopping, quiescent) before the
 * CPU looks for the next one, and a task that is preempted is put back (stopping, enqueue) after
 * ops.dispatch has run.
 */
#include "model_inside.h"

struct model model;
extern struct sched_ext_ops scxlua_ops;

int model_allows(const struct model_task *t, int cpu)
{
	return (int)(t->mask.bits[0] >> cpu & 1) && model.cpu[cpu].online;
}

/* What another CPU does in the middle of an op. */
void model_call_hook(void (**hook)(void))
{
	void (*call)(void) = *hook;

	*hook = NULL;
	model.in_hook++;
	call();
	model.in_hook--;
}

void model_check(void)
{
	if (model.in_hook) /* the interrupted op may hold something */
		return;
	require(!model.open_iters, "%d iterators left open", model.open_iters);
	require(!model.refs, "%d task references kept", model.refs);
	require(!model.rcu, "RCU read lock kept");
	require(!model.reserved, "a record reserved and not submitted");
	require(!model.fatal, "ejected");
}

void model_reset(int nr_cpus)
{
	int cpu;

	model_free();
	memset(&model, 0, sizeof(model));
	model.now = 1000000000000ull;
	model.nr_cpus = nr_cpus;
	model.record_cap = MODEL_RECORDS;
	model.global.id = SCX_DSQ_GLOBAL;
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		model.cpu[cpu].local.id = SCX_DSQ_LOCAL;
		model.cpu[cpu].online = model.cpu[cpu].idle = 1;
		model.cpu[cpu].updated_ns = model.now;
	}
}

void model_free(void)
{
	int i;

	for (i = 0; i < MODEL_TASKS; i++)
		if (model.task[i]) {
			free(model.task[i]->storage);
			free(model.task[i]);
		}
	for (i = 0; i < 16; i++)
		free(model.rows[i]);
	memset(&model, 0, sizeof(model));
}

struct model_task *model_fork(int pid, int tgid, u64 mask)
{
	struct scx_init_task_args args = { .fork = true };
	struct model_task *t = calloc(1, sizeof(*t));
	int i, err;

	for (i = 0; i < MODEL_TASKS && model.task[i]; i++)
		;
	require(i < MODEL_TASKS && t, "too many tasks");
	t->p.pid = pid;
	t->p.tgid = tgid;
	t->parent.tgid = 1;
	t->p.real_parent = &t->parent;
	t->p.static_prio = 120;
	t->p.scx.weight = 100;
	t->mask.bits[0] = mask & ((1ull << model.nr_cpus) - 1);
	t->p.cpus_ptr = &t->mask;
	t->p.nr_cpus_allowed = __builtin_popcountll(t->mask.bits[0]);
	t->cpu = __builtin_ctzll(t->mask.bits[0]);
	snprintf(t->p.comm, sizeof(t->p.comm), "t%d", pid);
	t->node.id = 7;
	t->cgroup.kn = &t->node;
	t->group.scx_weight = 250;
	t->p.sched_task_group = &t->group;
	t->css.dfl_cgrp = &t->cgroup;
	t->p.cgroups = &t->css;
	t->slot = i;
	err = scxlua_ops.init_task(&t->p, &args);
	if (err) {
		free(t);
		return NULL;
	}
	t->alive = 1;
	model.task[i] = t;
	scxlua_ops.enable(&t->p);
	return t;
}

void model_enqueue(struct model_task *t, u64 flags)
{
	int was = model.this_cpu;

	if (!model.cpu[t->cpu].online) { /* the hotplug path does not bother the scheduler */
		model_link(&model.cpu[t->cpu].local, t, 0, 0);
		return;
	}
	model.this_cpu = t->cpu;
	model.enqueueing = t;
	t->insert_dsq = 0;
	scxlua_ops.enqueue(&t->p, flags);
	model.enqueueing = NULL;
	/* A hook may have finished the insert already. */
	if (!t->dsq)
		model_finish_insert(t);
	model.this_cpu = was;
	model_check();
}

static void update_curr(int cpu)
{
	struct model_cpu *c = &model.cpu[cpu];
	u64 ran = model.now - c->updated_ns;

	c->updated_ns = model.now;
	if (!c->curr || c->curr->p.scx.slice == ~0ull)
		return;
	c->curr->p.scx.slice -= ran < c->curr->p.scx.slice ? ran : c->curr->p.scx.slice;
	c->curr->p.se.sum_exec_runtime += ran;
}

/* A CPU it may use; none left, it may use all, as select_fallback_rq() decides. */
static int find_cpu(struct model_task *t, int from)
{
	int i;

	for (i = 0; i < model.nr_cpus; i++, from = (from + 1) % model.nr_cpus)
		if (model_allows(t, from))
			return from;
	t->mask.bits[0] = (1ull << model.nr_cpus) - 1;
	t->p.nr_cpus_allowed = model.nr_cpus;
	scxlua_ops.set_cpumask(&t->p, &t->mask);
	return find_cpu(t, from);
}

void model_wake(struct model_task *t)
{
	int waker = model.this_cpu;

	require(!(t->p.scx.flags & SCX_TASK_QUEUED), "wakeup of a runnable task");
	model.enqueueing = t;
	t->insert_dsq = 0;
	if (t->p.nr_cpus_allowed > 1)
		t->cpu = scxlua_ops.select_cpu(&t->p, t->cpu, 8);
	t->cpu = find_cpu(t, t->cpu);
	model.enqueueing = NULL;
	model_check();
	t->p.scx.flags |= SCX_TASK_QUEUED;
	t->runnable_ns = model.now;
	update_curr(t->cpu);
	if (t->insert_dsq)
		model_finish_insert(t);
	else
		model_enqueue(t, SCX_ENQ_WAKEUP);
	if (!model.cpu[t->cpu].curr)
		model.cpu[t->cpu].resched = 1;
	model.this_cpu = waker;
}

static void set_next(int cpu, struct model_task *t)
{
	struct model_cpu *c = &model.cpu[cpu];
	u64 waited = model.now - t->runnable_ns;

	require(model_allows(t, cpu), "pid %d runs on CPU %d, which it may not use", t->p.pid, cpu);
	model_unlink(t);
	if (waited > t->longest_wait_ns)
		t->longest_wait_ns = waited;
	if (!c->curr && scxlua_ops.update_idle)
		scxlua_ops.update_idle(cpu, false);
	c->idle = 0;
	c->curr = t;
	c->updated_ns = model.now;
	t->cpu = cpu;
	t->running = 1;
	scxlua_ops.running(&t->p);
}

static void put_prev(int cpu, struct model_task *prev, int to_idle)
{
	prev->running = 0;
	model.cpu[cpu].curr = NULL;
	if (!(prev->p.scx.flags & SCX_TASK_QUEUED))
		return;
	scxlua_ops.stopping(&prev->p, true);
	prev->runnable_ns = model.now;
	if (prev->p.scx.slice)
		model_link(&model.cpu[cpu].local, prev, 0, SCX_ENQ_HEAD);
	else
		model_enqueue(prev, to_idle ? SCX_ENQ_LAST : 0);
}

void model_dispatch(int cpu)
{
	int was = model.this_cpu;

	model.this_cpu = cpu;
	scxlua_ops.dispatch(cpu, model.cpu[cpu].curr ? &model.cpu[cpu].curr->p : NULL);
	model_check();
	model.this_cpu = was;
}

void model_schedule(int cpu)
{
	struct model_cpu *c = &model.cpu[cpu];
	struct model_task *prev = c->curr, *next;
	int was = model.this_cpu;
	int on_rq = prev && prev->p.scx.flags & SCX_TASK_QUEUED;

	model.this_cpu = cpu;
	update_curr(cpu);
	c->resched = 0;
	if (on_rq && prev->p.scx.slice)
		goto out;
	if (!c->local.count && !model_take_first(&model.global) && c->online)
		model_dispatch(cpu);
	if (on_rq && prev->p.scx.slice && !c->local.count)
		goto out; /* kept */
	next = c->local.first;
	if (next)
		model_unlink(next);
	if (prev)
		put_prev(cpu, prev, !next);
	if (next)
		set_next(cpu, next);
	else if (!c->idle || prev) {
		c->idle = 1;
		scxlua_ops.update_idle(cpu, true);
	}
	model_check();
out:
	model.this_cpu = was;
}

void model_run_all(void)
{
	int cpu, again, rounds = 0;

	do {
		again = 0;
		for (cpu = 0; cpu < model.nr_cpus; cpu++)
			if (model.cpu[cpu].resched) {
				model_schedule(cpu);
				again = 1;
			}
		require(++rounds < 1000, "CPUs reschedule for ever");
	} while (again);
}

void model_advance(u64 ns)
{
	int cpu;

	model.now += ns;
	for (cpu = 0; cpu < model.nr_cpus; cpu++)
		update_curr(cpu);
}

void model_tick(int cpu)
{
	struct model_cpu *c = &model.cpu[cpu];
	int was = model.this_cpu;

	if (!c->curr)
		return;
	model.this_cpu = cpu;
	update_curr(cpu);
	scxlua_ops.tick(&c->curr->p);
	if (!c->curr->p.scx.slice)
		c->resched = 1;
	model.this_cpu = was;
	model_check();
}

/* Off its queue or CPU. Returns 1 if it was running. */
static int dequeue(struct model_task *t, u64 flags, int migrating)
{
	int was_running = t->running;
	int was = model.this_cpu;

	model.this_cpu = t->cpu;
	model_unlink(t);
	if (was_running) {
		update_curr(t->cpu);
		scxlua_ops.stopping(&t->p, false);
	}
	if (!migrating)
		scxlua_ops.quiescent(&t->p, flags);
	t->p.scx.flags &= ~(u32)SCX_TASK_QUEUED;
	model.this_cpu = was;
	model_check();
	return was_running;
}

void model_sleep(struct model_task *t)
{
	require(t->running, "only who runs can sleep");
	dequeue(t, SCX_DEQ_SLEEP, 0);
	model_schedule(t->cpu);
}

void model_yield(struct model_task *t)
{
	require(t->running, "only who runs can yield");
	t->p.scx.slice = 0;
	model_schedule(t->cpu);
}

void model_preempt(struct model_task *t)
{
	model_yield(t);
}

/* To another CPU: no quiescent, the core says it migrates. */
static void migrate(struct model_task *t)
{
	if (t->running) { /* pushed off by the stopper, slice left or not */
		update_curr(t->cpu);
		put_prev(t->cpu, t, 0);
		model.cpu[t->cpu].resched = 1;
	}
	dequeue(t, 0, 1);
	t->cpu = find_cpu(t, t->cpu);
	t->p.scx.flags |= SCX_TASK_QUEUED;
	model_enqueue(t, 0);
	if (!model.cpu[t->cpu].curr)
		model.cpu[t->cpu].resched = 1;
}

void model_setaffinity(struct model_task *t, u64 mask)
{
	int queued = t->p.scx.flags & SCX_TASK_QUEUED;
	int running = queued ? dequeue(t, 2, 0) : 0;
	int was = model.this_cpu;

	t->mask.bits[0] = mask;
	t->p.nr_cpus_allowed = __builtin_popcountll(mask);
	scxlua_ops.set_cpumask(&t->p, &t->mask);
	if (!queued) {
		t->cpu = find_cpu(t, t->cpu);
		return;
	}
	t->p.scx.flags |= SCX_TASK_QUEUED;
	if (running) { /* restored past ops.enqueue */
		model.this_cpu = t->cpu;
		scxlua_ops.running(&t->p);
		model.this_cpu = was;
	} else {
		model_enqueue(t, 2);
	}
	if (!model_allows(t, t->cpu))
		migrate(t);
}

void model_exit(struct model_task *t)
{
	struct scx_exit_task_args args = { .cancelled = false };
	int was = model.this_cpu;

	if (t->p.scx.flags & SCX_TASK_QUEUED && dequeue(t, SCX_DEQ_SLEEP, 0)) {
		model.cpu[t->cpu].curr = t;
		model_schedule(t->cpu);
	}
	model.this_cpu = t->cpu;
	scxlua_ops.exit_task(&t->p, &args);
	model.this_cpu = was;
	model_check();
	model.task[t->slot] = NULL;
	free(t->storage);
	free(t);
}

void model_exit_all(void)
{
	int i;

	for (i = 0; i < MODEL_TASKS; i++)
		if (model.task[i])
			model_exit(model.task[i]);
}

void model_hotplug(int cpu, int online)
{
	struct model_cpu *c = &model.cpu[cpu];

	if (c->online == online)
		return;
	c->online = online;
	if (online) {
		scxlua_ops.cpu_online(cpu);
		c->idle = 1;
		c->resched = 1;
		return;
	}
	scxlua_ops.cpu_offline(cpu);
	c->idle = 0;
	while (c->local.first)
		migrate(c->local.first);
	if (c->curr)
		migrate(c->curr);
	c->resched = 0;
	model_check();
}

void model_timer_fire(void)
{
	int key = 0;
	struct bpf_timer timer;

	require(model.timer, "no timer");
	model.timer(NULL, &key, &timer);
	model_check();
}
