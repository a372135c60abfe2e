// SPDX-License-Identifier: GPL-2.0-only
/*
 * engine.c - see engine.h.
 *
 * A task in engine_cycle(): its record becomes a slot of the table with held_ = 1 and seq_ =
 * the enqueue it stands for; the policy is told; sooner or later a decision with its address
 * comes out of the outbox; if that passes validation (commit.c) it becomes a verdict with the
 * slot's cookie and seq_, and held_ is 0 again.
 */
#define _GNU_SOURCE
#include "engine_state.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Records in one cycle, so that commits and the heartbeat are not put off for ever. The rest
 * waits in the ring for the next cycle.
 */
enum { CYCLE_RECORDS = 4 * ENGINE_BATCH };

enum { GROUP = 16 }; /* records whose cache misses overlap */

/* clang-format off */
const char *const engine_hook_name[NR_HOOKS] = {
	[HOOK_NONE] = "none",
	[HOOK_LOAD] = "load",
	[HOOK_INIT] = "init",
	[HOOK_ENQUEUE] = "enqueue",
	[HOOK_DISPATCH] = "dispatch",
	[HOOK_EXIT_TASK] = "exit_task",
	[HOOK_CPU] = "cpu",
	[HOOK_TICK] = "tick",
	[HOOK_IDLE] = "idle",
	[HOOK_STATS] = "stats",
	[HOOK_EXPORT] = "export",
	[HOOK_IMPORT] = "import",
};
/* clang-format on */

struct engine *engine_running;

static uint64_t (*made_up_clock)(void);

void engine_set_clock(uint64_t (*clock_ns)(void))
{
	made_up_clock = clock_ns;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	if (made_up_clock)
		return made_up_clock();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

double scx_now_ns(void)
{
	return (double)now_ns();
}

static struct scx_outbox *outbox_new(const struct engine_config *cfg)
{
	size_t bytes = sizeof(struct scx_outbox) + ENGINE_OUTBOX * sizeof(struct scx_decision);
	struct scx_outbox *outbox = calloc(1, bytes);

	if (!outbox)
		return NULL;
	outbox->cap = ENGINE_OUTBOX;
	outbox->default_slice_us_ = (uint32_t)(cfg->slice_ns / 1000);
	outbox->max_slice_us_ = (uint32_t)(cfg->max_slice_ns / 1000);
	return outbox;
}

static bool is_online(const struct engine *e, uint32_t cpu)
{
	return __atomic_load_n(&e->view.cpus[cpu].online, __ATOMIC_RELAXED);
}

struct engine *engine_new(const struct engine_config *cfg, const struct engine_view *view,
			  struct ring *in, struct uring *out, struct table *table,
			  struct engine_stats *stats)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->cfg = *cfg;
	e->min_slice_ns = (double)cfg->min_slice_ns;
	e->max_slice_ns = (double)cfg->max_slice_ns;
	e->view = *view;
	e->in = in;
	e->out = out;
	e->table = table;
	e->stats = stats;
	e->progress = &e->own_progress;
	e->outbox = outbox_new(cfg);
	e->nr_lent = view->nr_cpus;
	e->lent_ns = calloc(view->nr_cpus ? view->nr_cpus : 1, sizeof(*e->lent_ns));
	e->online = calloc(view->nr_cpus ? view->nr_cpus : 1, sizeof(*e->online));
	e->adopted = calloc(table_cap(table), sizeof(struct scx_task *));
	if (!e->outbox || !e->adopted || !e->lent_ns || !e->online) {
		engine_free(e);
		return NULL;
	}
	for (uint32_t i = 0; i < view->nr_cpus; i++)
		e->online[i] = is_online(e, i);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	free(e->adopted);
	free(e->online);
	free(e->lent_ns);
	free(e->outbox);
	free(e);
}

void engine_set_policy(struct engine *e, struct policy *p)
{
	e->policy = p;
	e->claimed = e->held;
	e->tick_due = 0;
}

void engine_swap(struct engine *e, struct engine_binding *binding)
{
	struct engine_binding old = {
		.view = e->view, .in = e->in, .out = e->out, .table = e->table, .stats = e->stats
	};

	e->view = binding->view;
	e->in = binding->in;
	e->out = binding->out;
	e->table = binding->table;
	e->stats = binding->stats;
	*binding = old;
	e->is_borrowed = !e->is_borrowed;
	e->outbox->n = 0;
	e->held = 0;
	e->claimed = 0;
	e->refused = 0;
	e->vtime = 0;
	e->tick_due = 0;
	memset(e->lent_ns, 0, e->nr_lent * sizeof(*e->lent_ns));
}

void engine_set_progress(struct engine *e, struct engine_progress *progress)
{
	e->progress = progress ? progress : &e->own_progress;
}

struct scx_outbox *engine_outbox(struct engine *e)
{
	return e->outbox;
}

uint32_t engine_held(const struct engine *e)
{
	return e->held;
}
/* ---- calls of the policy ---- */

/* Pairs: between them the watchdog sees the hook, and scx_outbox_flush() means this engine. */
static void hook_begin(struct engine *e, enum engine_hook hook)
{
	engine_running = e;
	__atomic_store_n(&e->progress->batch, e->progress->batch + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&e->progress->in_hook, (uint32_t)hook, __ATOMIC_RELEASE);
}

static int hook_end(struct engine *e, int ret)
{
	__atomic_store_n(&e->progress->in_hook, (uint32_t)HOOK_NONE, __ATOMIC_RELEASE);
	engine_running = NULL;
	if (ret < 0)
		e->stats->policy_errors++;
	return ret;
}

static int call_enqueue(struct engine *e, struct scx_task **tasks, uint32_t n)
{
	struct policy *p = e->policy;

	if (!p)
		return -1;
	hook_begin(e, HOOK_ENQUEUE);
	e->stats->batches++;
	hist_add(&e->stats->batch_size, n);
	return hook_end(e, p->ops->enqueue(p, tasks, n));
}

static void offer(struct engine *e, struct scx_task **tasks, uint32_t n)
{
	int ret;

	if (n == 0)
		return;
	ret = call_enqueue(e, tasks, n);
	engine_flush(e);
	e->claimed = e->held;
	if (ret >= 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		if (tasks[i]->held_)
			engine_default_task(e, tasks[i]);
}

uint64_t engine_queued(const struct engine *e, uint64_t committed)
{
	uint64_t backlog = uring_backlog(e->out);
	uint64_t queued = __atomic_load_n(&e->view.control->shared_depth, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < e->view.nr_cpus; i++)
		queued += __atomic_load_n(&e->view.cpus[i].queued, __ATOMIC_RELAXED);
	return queued + (committed > backlog ? committed : backlog);
}

/*
 * What the kernel can take: two tasks per CPU, so that none runs dry while we are away, but
 * the rest stays here, where the policy may still change its mind. Decisions on their way
 * count as queued. The depth is as old as the worker's last turn; accepted.
 */
static uint32_t kernel_room(struct engine *e, uint64_t committed)
{
	const struct scxlua_control *control = e->view.control;
	uint64_t room = 2 * (uint64_t)__atomic_load_n(&control->nr_online, __ATOMIC_RELAXED);
	uint64_t used = engine_queued(e, committed);
	uint64_t fits = uring_room(e->out);

	room = room > used ? room - used : 0;
	if (fits > ENGINE_OUTBOX - e->outbox->n)
		fits = ENGINE_OUTBOX - e->outbox->n;
	return (uint32_t)(room < fits ? room : fits);
}

static bool can_dispatch(const struct engine *e)
{
	return e->policy && e->policy->ops->dispatch;
}

static void engine_dispatch(struct engine *e, uint64_t committed)
{
	struct policy *p = e->policy;
	uint32_t room;
	int left;

	if (!can_dispatch(e) || e->held == 0)
		return;
	room = kernel_room(e, committed);
	if (room == 0)
		return;
	hook_begin(e, HOOK_DISPATCH);
	left = hook_end(e, p->ops->dispatch(p, room));
	engine_flush(e);
	e->claimed = left >= 0 ? (uint32_t)left : e->held;
}

static bool can_tick(const struct engine *e)
{
	return e->policy && e->policy->ops->tick && e->policy->ops->tick_ns;
}

static void engine_tick(struct engine *e, uint64_t now)
{
	struct policy *p = e->policy;

	if (!can_tick(e) || now < e->tick_due)
		return;
	e->tick_due = now + p->ops->tick_ns;
	hook_begin(e, HOOK_TICK);
	hook_end(e, p->ops->tick(p, now));
	engine_flush(e);
}

void engine_idle(struct engine *e)
{
	struct policy *p = e->policy;

	if (!p || !p->ops->idle)
		return;
	hook_begin(e, HOOK_IDLE);
	p->ops->idle(p);
	hook_end(e, 0);
}

void engine_exit(struct engine *e, uint64_t cookie)
{
	struct scx_task *task = table_find(e->table, cookie);
	struct policy *p = e->policy;

	e->stats->threads_gone++;
	if (!task)
		return;
	if (task->held_)
		engine_let_go(e, task);
	engine_leave_queue(task);
	if (p && p->ops->exit_task) {
		hook_begin(e, HOOK_EXIT_TASK);
		hook_end(e, p->ops->exit_task(p, task));
		engine_leave_queue(task);
	}
	if (e->outbox->n)
		engine_forget_decisions(e, task);
	running_forget(task->pid);
	table_remove(e->table, task);
}

static void cpu_changed(struct engine *e, uint32_t cpu, bool online)
{
	struct policy *p = e->policy;

	if (!e->is_borrowed) {
		if (cpu >= e->nr_lent || e->online[cpu] == online)
			return; /* it knows from engine_tell_cpus() */
		e->online[cpu] = online;
	}
	if (!p || !p->ops->cpu_event)
		return;
	hook_begin(e, HOOK_CPU);
	hook_end(e, p->ops->cpu_event(p, (int)cpu, online));
}

void engine_tell_cpus(struct engine *e)
{
	for (uint32_t i = 0; i < e->nr_lent; i++)
		cpu_changed(e, i, is_online(e, i));
}

/* ---- drain ---- */

static bool in_batch(const struct engine *e, const struct scx_task *task, uint32_t n)
{
	/* A task of this batch is in no queue, so index_ is free to hold its place here. */
	return !task->queue_ && task->index_ < n && e->batch[task->index_] == task;
}

/* Takes an enqueue record into the table; the task if the policy is to be told, or NULL. */
static struct scx_task *receive(struct engine *e, const struct scxlua_record *rec, uint32_t n)
{
	struct scx_task *task = table_take(e->table, rec->cookie);
	bool has_run;

	if (rec->cookie == 0) {
		e->stats->bad_records++;
		return NULL;
	}
	e->stats->received++;
	if (!task) {
		engine_default_record(e, rec);
		return NULL;
	}
	has_run = (double)rec->start_ns > task->enqueue_ns;
	task_refresh(task, rec);
	task->seq_ = rec->seq;
	if (!task->held_) {
		task->held_ = 1;
		e->held++;
	} else if (has_run && !in_batch(e, task, n)) {
		e->stats->forgotten++;
	} else {
		e->stats->refreshed++;
		return NULL;
	}
	engine_leave_queue(task);
	return task;
}

/* Where the thread may run, from now on; it may be the first that is heard of it. */
static void learn_affinity(struct engine *e, const struct scxlua_affinity *rec)
{
	struct scx_task *task = table_take(e->table, rec->cookie);

	if (task)
		table_set_mask(e->table, task, rec);
	else if (!rec->cookie)
		e->stats->bad_records++;
}

/*
 * Reads up to GROUP records in place, and starts to load what they need: with many threads
 * their slots are in no cache, and one miss after the other would be half the cost of a task.
 */
static uint32_t peek_group(struct engine *e, const struct scxlua_record **group, uint32_t max)
{
	uint32_t n = 0;

	while (n < max && (group[n] = ring_next(e->in, &e->stats->bad_records))) {
		table_prefetch_index(e->table, group[n]->cookie);
		if (group[n++]->kind != SCXLUA_REC_ENQUEUE)
			break;
	}
	for (uint32_t i = 0; i < n; i++)
		table_prefetch_slot(e->table, group[i]->cookie);
	return n;
}

/* Adds the tasks of a group to the batch of *n; true if the last record was an event. */
static bool take_group(struct engine *e, const struct scxlua_record **group, uint32_t nr,
		       uint32_t *n, struct scxlua_record *event)
{
	for (uint32_t i = 0; i < nr; i++) {
		struct scx_task *task;

		if (group[i]->kind == SCXLUA_REC_AFFINITY) {
			learn_affinity(e, (const void *)group[i]);
			continue;
		}
		if (group[i]->kind != SCXLUA_REC_ENQUEUE) {
			*event = *group[i];
			return true;
		}
		task = receive(e, group[i], *n);
		if (task) {
			task->index_ = *n;
			e->batch[(*n)++] = task;
		}
	}
	return false;
}

/*
 * No more than the outbox has room for, when the ring to the kernel was full: enqueue() can always
 * decide each task that it is given. The rest waits in the ring and the kernel's hold queue.
 */
static uint32_t batch_limit(const struct engine *e)
{
	uint32_t free = e->outbox->n < ENGINE_OUTBOX ? ENGINE_OUTBOX - e->outbox->n : 0;

	return free < ENGINE_BATCH ? free : ENGINE_BATCH;
}

/*
 * Fills the batch until it is full, the ring is empty or an event comes, which ends the batch
 * so that the policy sees things in their order. Returns how many records were read.
 */
static uint32_t collect(struct engine *e, uint32_t *nr_tasks, struct scxlua_record *event)
{
	const struct scxlua_record *group[GROUP];
	uint32_t limit = batch_limit(e);
	uint32_t seen = 0;
	uint32_t nr;

	event->kind = SCXLUA_REC_ENQUEUE; /* no event */
	*nr_tasks = 0;
	while (seen < limit) {
		uint32_t fits = limit - seen;

		nr = peek_group(e, group, fits < GROUP ? fits : GROUP);
		if (nr == 0)
			break;
		seen += nr;
		if (take_group(e, group, nr, nr_tasks, event))
			break;
	}
	ring_release(e->in);
	return seen;
}

static void handle_event(struct engine *e, const struct scxlua_record *event)
{
	switch (event->kind) {
	case SCXLUA_REC_ENQUEUE:
		break;
	case SCXLUA_REC_EXIT:
		engine_exit(e, event->cookie);
		break;
	case SCXLUA_REC_CPU:
		cpu_changed(e, (uint32_t)event->cpu, event->flags != 0);
		break;
	default:
		e->stats->bad_records++;
	}
}

static uint32_t engine_drain(struct engine *e)
{
	uint32_t total = 0;

	while (total < CYCLE_RECORDS) {
		struct scxlua_record event;
		uint32_t n;
		uint32_t seen = collect(e, &n, &event);

		if (seen == 0)
			break;
		total += seen;
		offer(e, e->batch, n);
		handle_event(e, &event);
	}
	return total;
}

/* Held for the kernel: what is really held, unless the policy says that it has less. */
static void report(struct engine *e, uint64_t now, uint32_t handled)
{
	struct scxlua_control *control = e->view.control;
	uint32_t held = e->claimed < e->held ? e->claimed : e->held;

	__atomic_store_n(&control->held, can_dispatch(e) ? held : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&control->stalled, handled == 0, __ATOMIC_RELAXED);
	__atomic_store_n(&control->due_ns, can_tick(e) ? e->tick_due : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&control->busy, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&control->heartbeat_ns, now, __ATOMIC_RELEASE);
}

uint32_t engine_cycle(struct engine *e)
{
	uint64_t committed = e->stats->committed;
	uint64_t batches = e->stats->batches;
	uint64_t begin = now_ns();
	uint64_t end;
	uint32_t handled;

	__atomic_store_n(&e->view.control->heartbeat_ns, begin, __ATOMIC_RELAXED);
	__atomic_store_n(&e->view.control->busy, 1, __ATOMIC_RELAXED);
	e->outbox->now_ns = (double)begin;
	engine_flush(e); /* what found the ring full before */
	handled = engine_drain(e);
	engine_tick(e, begin);
	engine_dispatch(e, e->stats->committed - committed);
	engine_flush(e);
	end = now_ns();
	handled += (uint32_t)(e->stats->committed - committed);
	if (e->stats->batches != batches)
		hist_add(&e->stats->decide_ns, end - begin);
	e->stats->cycles += handled != 0;
	report(e, end, handled);
	return handled;
}

void engine_adopt(struct engine *e)
{
	struct scx_task *task;
	uint32_t pos = 0;

	/* The queues of the worker before us were in its own memory. */
	while ((task = table_next(e->table, &pos)))
		task->queue_ = NULL;
	e->held = table_held(e->table, e->adopted, table_cap(e->table));
	for (uint32_t i = 0; i < e->held; i++)
		e->adopted[i]->index_ = 0;
	pos = e->held;
	e->outbox->now_ns = scx_now_ns();
	for (uint32_t i = 0; i < pos; i += ENGINE_BATCH) {
		offer(e, &e->adopted[i], pos - i < ENGINE_BATCH ? pos - i : ENGINE_BATCH);
		__atomic_store_n(&e->view.control->heartbeat_ns, now_ns(), __ATOMIC_RELAXED);
	}
	report(e, now_ns(), pos);
}
