// SPDX-License-Identifier: GPL-2.0-only
/* check_probe.c - see check_probe.h. */
#include "check_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CLOCK_READINGS = 1000,
	CLOCK_ATTEMPTS = 5,
	ROOM_SLACK = 8, /* decisions beyond twice the room that are still no matter */
};

/* What the engine is going to count because of a decision that has been looked at. */
struct expected {
	uint64_t unknown, twice, bad_cpu;
};

struct probe {
	struct policy policy; /* first: a struct policy * of ours is a struct probe * */
	struct policy_ops ops;
	struct trial *t;
	struct policy *inner;
	struct probe_sums sums;

	/* The call that is running, when looking. */
	enum check_hook at;
	struct engine_stats before;    /* the counters that have been looked at; no histograms */
	uint64_t committed;	       /* before the call */
	size_t bytes;		       /* of the Lua heap, before the call */
	uint32_t line;		       /* of the decision that is looked at, 0 = not known */
	const struct scx_task *ending; /* the argument of exit_task() */

	uint32_t call;				      /* its number */
	uint32_t mark[TRIAL_THREADS];		      /* the call that decided the thread last */
	struct scx_decision decisions[ENGINE_OUTBOX]; /* that the call has left in the outbox */
	bool is_offline[TRIAL_CPUS];		      /* as far as the policy was told */
	bool is_denied; /* the last call: dispatch() used its room, said 0, held some */
};

uint64_t probe_clock(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

double probe_clock_cost(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < CLOCK_ATTEMPTS; i++) {
		uint64_t begin = probe_clock(), ns = 0;

		for (int j = 0; j < CLOCK_READINGS; j++)
			ns = probe_clock() - begin;
		least = ns < least ? ns : least;
	}
	return (double)least / CLOCK_READINGS;
}

/* ---- what a call has done ---- */

static void found(struct probe *p, enum check_kind kind, uint64_t n)
{
	uint32_t *line = &p->t->c->line[kind][p->at];

	trial_found(p->t, kind, p->at, n);
	if (n && !*line)
		*line = p->line;
}

static void keep_counters(struct probe *p)
{
	memcpy(&p->before, &p->t->c->stats, offsetof(struct engine_stats, batch_size));
}

static void look_at_cpu(struct probe *p, const struct scx_decision *d, uint32_t thread,
			struct expected *e)
{
	const struct scx_cpu *cpus = synth_cpus(p->t->synth);
	const struct synth *s = p->t->synth;
	uint32_t cpu;

	if (d->cpu == SCX_CPU_ANY)
		return;
	if (!(d->cpu >= 0 && d->cpu < TRIAL_CPUS) || (double)(uint32_t)d->cpu != d->cpu) {
		found(p, FOUND_BAD_CPU, 1);
		e->bad_cpu++;
		return;
	}
	cpu = (uint32_t)d->cpu;
	if (!cpus[cpu].online) {
		/* Not the policy's fault as long as nobody has told it. */
		found(p, FOUND_OFFLINE, p->is_offline[cpu]);
		e->bad_cpu++;
	} else if (!synth_allows(s, thread, cpu)) {
		found(p, FOUND_FORBIDDEN, d->task->cpumask_seq == synth_cpumask_seq(s, thread));
	}
}

/* The decision is still in the outbox: the engine has not looked at it. */
static void look_at_decision(struct probe *p, const struct scx_decision *d, struct expected *e)
{
	const struct table *table = p->t->table;
	uint32_t thread;

	if (!table_owns(table, d->task)) {
		found(p, table_knows(table, d->task) ? FOUND_ENDED : FOUND_NO_TASK, 1);
		e->unknown++;
		return;
	}
	if (d->task == p->ending) {
		found(p, FOUND_ENDED, 1);
		e->twice++;
		return;
	}
	thread = synth_find(p->t->synth, d->task->pid);
	if (p->mark[thread] == p->call || !d->task->held_) {
		found(p, p->mark[thread] == p->call ? FOUND_TWICE : FOUND_AGAIN, 1);
		e->twice++;
		return;
	}
	p->mark[thread] = p->call;
	look_at_cpu(p, d, thread, e);
}

/* What the engine has counted since the counters were kept, and nobody has found yet. */
static void look_at_counters(struct probe *p, const struct expected *e)
{
	const struct engine_stats *now = &p->t->c->stats, *before = &p->before;

	found(p, FOUND_BAD_SLICE, now->bad_slice - before->bad_slice);
	found(p, FOUND_BAD_VTIME, now->bad_vtime - before->bad_vtime);
	found(p, FOUND_BAD_FLAGS, now->bad_flags - before->bad_flags);
	found(p, FOUND_NO_TASK, now->reject_unknown - before->reject_unknown - e->unknown);
	found(p, FOUND_TWICE, now->reject_twice - before->reject_twice - e->twice);
	found(p, FOUND_BAD_CPU, now->bad_cpu - before->bad_cpu - e->bad_cpu);
	keep_counters(p);
}

/* Commits what the call has left in the outbox one by one, so that counts belong to a decision. */
static void look_at_outbox(struct probe *p)
{
	struct scx_outbox *outbox = engine_outbox(p->t->engine);
	uint32_t n = outbox->n < ENGINE_OUTBOX ? outbox->n : ENGINE_OUTBOX;

	memcpy(p->decisions, outbox->decision, n * sizeof(p->decisions[0]));
	for (uint32_t i = 0; i < n; i++) {
		struct expected e = { 0 };

		p->line = p->decisions[i].reserved;
		outbox->decision[0] = p->decisions[i];
		outbox->n = 1;
		look_at_decision(p, &p->decisions[i], &e);
		if (engine_flush(p->t->engine)) { /* the ring is full: the rest another time */
			outbox->n = n - i;
			memcpy(outbox->decision, &p->decisions[i],
			       outbox->n * sizeof(p->decisions[0]));
			break;
		}
		look_at_counters(p, &e);
	}
	p->line = 0;
}

static void begin(struct probe *p, enum check_hook at)
{
	p->at = at;
	p->call++;
	keep_counters(p);
	p->committed = p->t->c->stats.committed;
	p->bytes = lua_policy_bytes(p->t->lp);
}

/* An error is kept in the words of the first. */
static int failed(struct probe *p, int ret)
{
	if (ret < 0) {
		snprintf(p->policy.error, POLICY_ERROR_LEN, "%s", p->inner->error);
		trial_error(p->t, p->at);
	}
	return ret;
}

static int end(struct probe *p, int ret)
{
	size_t bytes = lua_policy_bytes(p->t->lp);

	if (bytes > p->bytes) /* less when the policy has run short and was relieved */
		p->sums.bytes[p->at] += bytes - p->bytes;
	look_at_counters(p, &(struct expected){ 0 }); /* flushed in the midst of the call */
	look_at_outbox(p);
	p->is_denied = false;
	return failed(p, ret);
}

/*
 * Room is advice, so only gross excess counts. A policy may say that it holds less than it does,
 * if it has reason not to run the rest; but if it has used up its room, says 0, and gives more as
 * soon as it is asked again, then nobody would have asked it. (1 is what the runtime takes for
 * nothing returned and the room used up.)
 */
static void look_at_room(struct probe *p, uint32_t room, int left, bool was_denied)
{
	uint64_t gave = p->t->c->stats.committed - p->committed;
	uint32_t held = engine_held(p->t->engine);

	if (gave > 2 * (uint64_t)room + ROOM_SLACK)
		found(p, FOUND_OVER_ROOM, 1);
	if (left < 0)
		return;
	if (was_denied && gave)
		found(p, FOUND_DENIED, 1);
	if ((uint32_t)left > held && !(left == 1 && gave >= room))
		found(p, FOUND_INVENTED, 1);
	p->is_denied = left == 0 && held && gave >= room;
}

/* ---- looking ---- */

static struct probe *to_probe(struct policy *policy)
{
	return (struct probe *)(void *)policy;
}

static int look_enqueue(struct policy *policy, struct scx_task **tasks, uint32_t n)
{
	struct probe *p = to_probe(policy);

	begin(p, AT_ENQUEUE);
	return end(p, p->inner->ops->enqueue(p->inner, tasks, n));
}

static int look_dispatch(struct policy *policy, uint32_t room)
{
	struct probe *p = to_probe(policy);
	bool was_denied = p->is_denied;
	int left;

	begin(p, AT_DISPATCH);
	left = end(p, p->inner->ops->dispatch(p->inner, room));
	look_at_room(p, room, left, was_denied);
	return left;
}

static int look_exit_task(struct policy *policy, struct scx_task *task)
{
	struct probe *p = to_probe(policy);
	int ret;

	begin(p, AT_EXIT_TASK);
	p->ending = task;
	ret = end(p, p->inner->ops->exit_task(p->inner, task));
	p->ending = NULL;
	return ret;
}

static int look_cpu_event(struct policy *policy, int cpu, int online)
{
	struct probe *p = to_probe(policy);

	p->is_offline[cpu] = !online;
	if (!p->inner->ops->cpu_event)
		return 0;
	begin(p, online ? AT_CPU_ONLINE : AT_CPU_OFFLINE);
	return end(p, p->inner->ops->cpu_event(p->inner, cpu, online));
}

static int look_tick(struct policy *policy, uint64_t now_ns)
{
	struct probe *p = to_probe(policy);

	begin(p, AT_TICK);
	return end(p, p->inner->ops->tick(p->inner, now_ns));
}

/* ---- taking the time ---- */

static int taken(struct probe *p, enum check_hook at, uint64_t since, int ret)
{
	p->sums.ns[at] += probe_clock() - since;
	p->sums.calls[at]++;
	p->at = at;
	return failed(p, ret);
}

static int time_enqueue(struct policy *policy, struct scx_task **tasks, uint32_t n)
{
	struct probe *p = to_probe(policy);
	uint64_t since = probe_clock();

	return taken(p, AT_ENQUEUE, since, p->inner->ops->enqueue(p->inner, tasks, n));
}

static int time_dispatch(struct policy *policy, uint32_t room)
{
	struct probe *p = to_probe(policy);
	uint64_t since = probe_clock();

	return taken(p, AT_DISPATCH, since, p->inner->ops->dispatch(p->inner, room));
}

static int time_exit_task(struct policy *policy, struct scx_task *task)
{
	struct probe *p = to_probe(policy);
	uint64_t since = probe_clock();

	return taken(p, AT_EXIT_TASK, since, p->inner->ops->exit_task(p->inner, task));
}

static int time_cpu_event(struct policy *policy, int cpu, int online)
{
	struct probe *p = to_probe(policy);
	uint64_t since = probe_clock();

	p->is_offline[cpu] = !online;
	if (!p->inner->ops->cpu_event)
		return 0;
	return taken(p, online ? AT_CPU_ONLINE : AT_CPU_OFFLINE, since,
		     p->inner->ops->cpu_event(p->inner, cpu, online));
}

static int time_tick(struct policy *policy, uint64_t now_ns)
{
	struct probe *p = to_probe(policy);
	uint64_t since = probe_clock();

	return taken(p, AT_TICK, since, p->inner->ops->tick(p->inner, now_ns));
}

/* ---- making ---- */

static const struct policy_ops looking = { .enqueue = look_enqueue,
					   .dispatch = look_dispatch,
					   .exit_task = look_exit_task,
					   .cpu_event = look_cpu_event,
					   .tick = look_tick };

static const struct policy_ops timing = { .enqueue = time_enqueue,
					  .dispatch = time_dispatch,
					  .exit_task = time_exit_task,
					  .cpu_event = time_cpu_event,
					  .tick = time_tick };

/* Hooks that the policy does not have the engine must not find here either. */
static void use(struct probe *p, const struct policy_ops *ops)
{
	const struct policy_ops *inner = p->inner->ops;

	p->ops = *ops;
	p->ops.tick_ns = inner->tick_ns;
	p->ops.idle = NULL;
	if (!inner->dispatch)
		p->ops.dispatch = NULL;
	if (!inner->exit_task)
		p->ops.exit_task = NULL;
	if (!inner->tick)
		p->ops.tick = NULL;
	memset(&p->sums, 0, sizeof(p->sums));
	p->is_denied = false;
}

struct probe *probe_new(struct trial *t)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->t = t;
	p->inner = lua_policy_ops(t->lp);
	p->policy.ops = &p->ops;
	p->policy.self = p;
	use(p, &looking);
	return p;
}

void probe_free(struct probe *p)
{
	free(p);
}

struct policy *probe_policy(struct probe *p)
{
	return &p->policy;
}

void probe_look(struct probe *p)
{
	use(p, &looking);
}

void probe_time(struct probe *p)
{
	use(p, &timing);
}

const struct probe_sums *probe_sums(const struct probe *p)
{
	return &p->sums;
}
