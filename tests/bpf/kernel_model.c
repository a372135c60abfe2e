// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel_model.c - see kernel_model.h. Orders of calls follow kernel/sched/ext.c: a task that
 * sleeps is dequeued (stopping, quiescent) before the CPU looks for the next one, and a task that
 * is preempted is put back (stopping, enqueue) after ops.dispatch has run.
 */
#include "kernel_model.h"

struct model model;
extern struct sched_ext_ops scxlua_ops;

#define require(cond, ...)                                                                         \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			print_error(__VA_ARGS__);                                                  \
			print_error("\n");                                                         \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

static struct model_task *model_of(const struct task_struct *p)
{
	return (struct model_task *)(void *)(uintptr_t)p;
}

static int allowed(const struct model_task *t, int cpu)
{
	return (int)(t->mask.bits[0] >> cpu & 1) && model.cpu[cpu].online;
}

/* What another CPU does in the middle of an op. */
static void call_hook(void (**hook)(void))
{
	void (*call)(void) = *hook;

	*hook = NULL;
	model.in_hook++;
	call();
	model.in_hook--;
}

/* ---- queues ---- */

struct model_dsq *model_queue(u64 id)
{
	u32 slot = (u32)((id >> 20 & 7) * 64 + (id & 63));

	if (id == SCX_DSQ_GLOBAL)
		return &model.global;
	if (id == SCX_DSQ_LOCAL)
		return &model.cpu[model.this_cpu].local;
	require(slot < MODEL_QUEUES && model.dsq[slot].used && model.dsq[slot].id == id,
		"no such queue: %llx", id);
	return &model.dsq[slot];
}

static void unlink_task(struct model_task *t)
{
	struct model_dsq *q = t->dsq;

	if (!q)
		return;
	*(t->prev ? &t->prev->next : &q->first) = t->next;
	*(t->next ? &t->next->prev : &q->last) = t->prev;
	t->next = t->prev = NULL;
	t->dsq = NULL;
	if (!--q->count)
		q->kind = 0;
}

static void link_task(struct model_dsq *q, struct model_task *t, int by_vtime, u64 flags)
{
	struct model_task *after = q->last;
	int kind = by_vtime ? 2 : 1;

	require(!t->dsq, "pid %d inserted while on queue %llx", t->p.pid, t->dsq->id);
	require(!q->kind || q->kind == kind, "FIFO and vtime mixed on queue %llx", q->id);
	require(!by_vtime || q->id < SCX_DSQ_GLOBAL, "vtime on a built-in queue");
	q->kind = kind;
	if (by_vtime)
		while (after && (s64)(after->p.scx.dsq_vtime - t->p.scx.dsq_vtime) > 0)
			after = after->prev;
	else if (flags & (SCX_ENQ_HEAD | SCX_ENQ_PREEMPT))
		after = NULL;
	t->prev = after;
	t->next = after ? after->next : q->first;
	*(t->prev ? &t->prev->next : &q->first) = t;
	*(t->next ? &t->next->prev : &q->last) = t;
	t->dsq = q;
	t->dsq_seq = ++q->seq;
	q->count++;
}

u64 model_where(const struct model_task *t)
{
	return t->dsq ? t->dsq->id : 0;
}

s32 scx_bpf_create_dsq(u64 id, s32 node)
{
	u32 slot = (u32)((id >> 20 & 7) * 64 + (id & 63));

	(void)node;
	require(slot < MODEL_QUEUES && !model.dsq[slot].used, "queue %llx made twice", id);
	model.dsq[slot] = (struct model_dsq){ .id = id, .used = 1 };
	return 0;
}

s32 scx_bpf_dsq_nr_queued(u64 id)
{
	return model_queue(id)->count;
}

/* ---- inserts, done after the op that asks for them ---- */

static void ask_insert(struct task_struct *p, u64 id, u64 slice, u64 flags, int by_vtime)
{
	struct model_task *t = model_of(p);

	require(model.enqueueing == t, "insert of pid %d outside its enqueue", p->pid);
	require(!t->insert_dsq, "pid %d inserted twice", p->pid);
	require((id & 1ull << 62) == 0, "insert into SCX_DSQ_LOCAL_ON");
	p->scx.slice = slice ?: (p->scx.slice ?: 1);
	t->insert_dsq = id;
	t->insert_flags = flags;
	t->insert_vtime = by_vtime;
	if (model.on_insert)
		call_hook(&model.on_insert);
}

/* What direct_dispatch() does once the op has returned. */
void model_finish_insert(struct model_task *t)
{
	struct model_dsq *q;
	struct model_cpu *c = &model.cpu[t->cpu];

	require(t->insert_dsq, "pid %d: no insert, the task would be lost", t->p.pid);
	q = t->insert_dsq == SCX_DSQ_LOCAL ? &c->local : model_queue(t->insert_dsq);
	link_task(q, t, t->insert_vtime, t->insert_flags);
	if (q == &c->local && t->insert_flags & SCX_ENQ_PREEMPT && c->curr && c->curr != t) {
		c->curr->p.scx.slice = 0;
		c->resched = 1;
	}
	t->insert_dsq = 0;
}

void scx_bpf_dsq_insert(struct task_struct *p, u64 id, u64 slice, u64 flags)
{
	require(!model.old_kernel, "a kfunc that this kernel lacks");
	ask_insert(p, id, slice, flags, 0);
}

void scx_bpf_dispatch(struct task_struct *p, u64 id, u64 slice, u64 flags)
{
	require(model.old_kernel, "a kfunc that this kernel lacks");
	ask_insert(p, id, slice, flags, 0);
}

void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 id, u64 slice, u64 vtime, u64 flags)
{
	require(!model.old_kernel, "a kfunc that this kernel lacks");
	p->scx.dsq_vtime = vtime;
	ask_insert(p, id, slice, flags, 1);
}

void scx_bpf_dispatch_vtime(struct task_struct *p, u64 id, u64 slice, u64 vtime, u64 flags)
{
	require(model.old_kernel, "a kfunc that this kernel lacks");
	p->scx.dsq_vtime = vtime;
	ask_insert(p, id, slice, flags, 1);
}

/* ---- iterators and moves ---- */

struct iter {
	struct model_dsq *q;
	u64 seq;	       /* later tasks are not seen */
	struct model_task *at; /* last returned */
	u64 slice, vtime;
	u32 started, flags; /* 1 = slice, 2 = vtime, 4 = reverse */
};
_Static_assert(sizeof(struct iter) <= sizeof(struct bpf_iter_scx_dsq), "the kernel's size");

int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *bit, u64 id, u64 flags)
{
	struct iter *it = (struct iter *)(void *)bit;

	if (model.on_iter_new && !model.on_iter_new_after--)
		call_hook(&model.on_iter_new);
	memset(it, 0, sizeof(*it));
	it->q = model_queue(id);
	it->seq = it->q->seq;
	it->flags = flags & SCX_DSQ_ITER_REV ? 4 : 0;
	model.open_iters++;
	return 0;
}

struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *bit)
{
	struct iter *it = (struct iter *)(void *)bit;
	int reverse = it->flags & 4;

	/* The cursor: it->at is where to go on, one ahead, as moves unlink what was returned. */
	if (!it->started)
		it->at = reverse ? it->q->last : it->q->first;
	it->started = 1;
	while (it->at && it->at->dsq_seq > it->seq)
		it->at = reverse ? it->at->prev : it->at->next;
	if (!it->at)
		return NULL;
	bit = (void *)it->at;
	it->at = reverse ? it->at->prev : it->at->next;
	return &((struct model_task *)(void *)bit)->p;
}

void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *bit)
{
	((struct iter *)(void *)bit)->q = NULL;
	model.open_iters--;
}

static bool move(struct bpf_iter_scx_dsq *bit, struct task_struct *p, u64 id, int by_vtime)
{
	struct iter *it = (struct iter *)(void *)bit;
	struct model_task *t = model_of(p);
	int ok = t->dsq == it->q && t->dsq_seq <= it->seq;

	require(it->q, "move through a closed iterator");
	if (ok) {
		if (it->flags & 1)
			p->scx.slice = it->slice;
		if (it->flags & 2)
			p->scx.dsq_vtime = it->vtime;
		unlink_task(t);
		link_task(model_queue(id), t, by_vtime, 0);
	}
	it->flags &= ~3u;
	return ok;
}

#define BOTH_NAMES(new_name, old_name, type, params, ret, call)                                    \
	type new_name params                                                                       \
	{                                                                                          \
		require(!model.old_kernel, "a kfunc that this kernel lacks");                      \
		ret call;                                                                          \
	}                                                                                          \
	type old_name params                                                                       \
	{                                                                                          \
		require(model.old_kernel, "a kfunc that this kernel lacks");                       \
		ret call;                                                                          \
	}

static void iter_slice(struct bpf_iter_scx_dsq *bit, u64 slice)
{
	struct iter *it = (struct iter *)(void *)bit;

	it->slice = slice;
	it->flags |= 1;
}

static void iter_vtime(struct bpf_iter_scx_dsq *bit, u64 vtime)
{
	struct iter *it = (struct iter *)(void *)bit;

	it->vtime = vtime;
	it->flags |= 2;
}

BOTH_NAMES(scx_bpf_dsq_move_set_slice, scx_bpf_dispatch_from_dsq_set_slice, void,
	   (struct bpf_iter_scx_dsq * it, u64 slice), , iter_slice(it, slice))
BOTH_NAMES(scx_bpf_dsq_move_set_vtime, scx_bpf_dispatch_from_dsq_set_vtime, void,
	   (struct bpf_iter_scx_dsq * it, u64 vtime), , iter_vtime(it, vtime))
BOTH_NAMES(scx_bpf_dsq_move, scx_bpf_dispatch_from_dsq, bool,
	   (struct bpf_iter_scx_dsq * it, struct task_struct *p, u64 id, u64 flags), (void)flags;
	   return, move(it, p, id, 0))
BOTH_NAMES(scx_bpf_dsq_move_vtime, scx_bpf_dispatch_vtime_from_dsq, bool,
	   (struct bpf_iter_scx_dsq * it, struct task_struct *p, u64 id, u64 flags), (void)flags;
	   return, move(it, p, id, 1))

static bool take_first(struct model_dsq *q)
{
	struct model_task *t;

	for (t = q->first; t; t = t->next)
		if (allowed(t, model.this_cpu)) {
			unlink_task(t);
			t->cpu = model.this_cpu;
			link_task(&model.cpu[model.this_cpu].local, t, 0, 0);
			return true;
		}
	return false;
}

BOTH_NAMES(scx_bpf_dsq_move_to_local, scx_bpf_consume, bool, (u64 id), return,
	   take_first(model_queue(id)))

/* ---- CPUs ---- */

static int pick_idle(u64 mask)
{
	int cpu;

	for (cpu = 0; cpu < model.nr_cpus; cpu++)
		if (model.cpu[cpu].idle && model.cpu[cpu].online && mask >> cpu & 1) {
			model.cpu[cpu].idle = 0;
			return cpu;
		}
	return -EBUSY;
}

s32 scx_bpf_pick_idle_cpu(const struct cpumask *mask, u64 flags)
{
	(void)flags;
	return pick_idle(mask->bits[0]);
}

s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags, bool *is_idle)
{
	int cpu;

	(void)wake_flags;
	*is_idle = true;
	if (model.cpu[prev_cpu].idle && bpf_cpumask_test_cpu((u32)prev_cpu, p->cpus_ptr)) {
		model.cpu[prev_cpu].idle = 0;
		return prev_cpu;
	}
	cpu = pick_idle(p->cpus_ptr->bits[0]);
	if (cpu >= 0)
		return cpu;
	*is_idle = false;
	return prev_cpu;
}

void scx_bpf_kick_cpu(s32 cpu, u64 flags)
{
	struct model_cpu *c;

	require(cpu >= 0 && cpu < model.nr_cpus, "kick of CPU %d", cpu);
	c = &model.cpu[cpu];
	if (flags & SCX_KICK_PREEMPT) {
		c->kicks_preempt++;
		if (c->curr)
			c->curr->p.scx.slice = 0;
		c->resched = 1;
	} else {
		c->kicks_idle++;
		if (!c->curr)
			c->resched = 1;
	}
}

bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *mask)
{
	return cpu < 64 && (mask->bits[0] >> cpu & 1);
}

s32 scx_bpf_task_cpu(const struct task_struct *p)
{
	return model_of(p)->cpu;
}

bool scx_bpf_test_and_clear_cpu_idle(s32 cpu)
{
	bool was = model.cpu[cpu].idle;

	model.cpu[cpu].idle = 0;
	return was;
}

bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice)
{
	require(!model.old_kernel, "a kfunc that this kernel lacks");
	p->scx.slice = slice;
	return true;
}

u64 scx_bpf_now(void)
{
	require(!model.old_kernel, "a kfunc that this kernel lacks");
	return model.now;
}

void scx_bpf_error_bstr(char *fmt, unsigned long long *data, u32 size)
{
	(void)data;
	(void)size;
	(void)fmt;
	model.fatal++;
}

void scx_bpf_dump_bstr(char *fmt, unsigned long long *data, u32 size)
{
	size_t used = strlen(model.dump);

	(void)data;
	(void)size;
	snprintf(model.dump + used, sizeof(model.dump) - used, "%s\n", fmt);
}

struct task_struct *bpf_task_from_pid(s32 pid)
{
	int i;

	for (i = 0; i < MODEL_TASKS; i++)
		if (model.task[i] && model.task[i]->alive && model.task[i]->p.pid == pid) {
			model.task[i]->refs++;
			model.refs++;
			return &model.task[i]->p;
		}
	return NULL;
}

void bpf_task_release(struct task_struct *p)
{
	model_of(p)->refs--;
	model.refs--;
}

void bpf_rcu_read_lock(void)
{
	model.rcu++;
}

void bpf_rcu_read_unlock(void)
{
	model.rcu--;
}

/* ---- helpers ---- */

int model_has(const char *sym)
{
	int is_old = strstr(sym, "dispatch") || strstr(sym, "consume");

	return is_old == model.old_kernel;
}

void model_fill(unsigned long long *args, ...)
{
	(void)args;
}

void *model_map_lookup(void *map, size_t type, size_t size, u32 key)
{
	u32 rows = size == sizeof(struct scxlua_counters) ? (u32)model.nr_cpus + 1 :
		   size == sizeof(struct scx_cpu)	  ? (u32)model.nr_cpus :
							    1;
	int i;

	if (key >= rows)
		return NULL;
	if (type == BPF_MAP_TYPE_PERCPU_ARRAY)
		key = (u32)model.this_cpu;
	for (i = 0; i < 16 && model.row_map[i] && model.row_map[i] != map; i++)
		;
	require(i < 16, "too many maps");
	if (!model.row_map[i]) {
		model.row_map[i] = map;
		model.rows[i] = calloc(MODEL_ROWS, size);
	}
	return (char *)model.rows[i] + key * size;
}

void *model_task_storage(struct task_struct *p, size_t size, u64 flags)
{
	struct model_task *t = model_of(p);

	if (!t->storage && flags & BPF_LOCAL_STORAGE_GET_F_CREATE && !model.storage_fails)
		t->storage = calloc(1, size);
	return t->storage;
}

void *model_record_reserve(size_t size)
{
	require(size == sizeof(struct scxlua_record), "a record of another size");
	if (model.record_tail - model.record_head >= model.record_cap)
		return NULL;
	require(!model.reserved, "two records reserved at once");
	model.reserved = 1;
	memset(&model.record[model.record_tail % MODEL_RECORDS], 0xa5, size);
	return &model.record[model.record_tail % MODEL_RECORDS];
}

void model_record_submit(void *rec, u64 flags)
{
	require(rec == &model.record[model.record_tail % MODEL_RECORDS] && model.reserved,
		"submit of what was not reserved");
	require(flags == BPF_RB_NO_WAKEUP, "a wakeup per record");
	model.reserved = 0;
	model.record_tail++;
	if (model.on_submit)
		call_hook(&model.on_submit);
}

u64 model_record_query(u64 what)
{
	require(what == BPF_RB_AVAIL_DATA, "only that is modelled");
	return (model.record_tail - model.record_head) * 136ull;
}

int model_take_record(struct scxlua_record *rec)
{
	if (model.record_head == model.record_tail)
		return 0;
	*rec = model.record[model.record_head++ % MODEL_RECORDS];
	return 1;
}

void model_verdict(const struct scxlua_verdict *v)
{
	struct model_sample *s = &model.sample[model.sample_tail++ % MODEL_SAMPLES];

	require(model.sample_tail - model.sample_head <= MODEL_SAMPLES, "user ring too small");
	memcpy(s->bytes, v, sizeof(*v));
	s->size = sizeof(*v);
}

/* The callback's context has a type of its own there, as the kernel allows. */
#ifdef __clang__
__attribute__((no_sanitize("function")))
#endif
long model_drain(model_drain_cb cb, void *ctx)
{
	long n = 0, stop = 0;

	if (model.drain_busy || model.draining) {
		model.drain_busy -= !!model.drain_busy;
		return -EBUSY;
	}
	model.draining = 1;
	while (!stop && model.sample_head != model.sample_tail) {
		stop = cb(&model.sample[model.sample_head % MODEL_SAMPLES], ctx);
		require(stop == 0 || stop == 1, "the callback returned %ld", stop);
		model.sample_head++;
		n++;
	}
	model.draining = 0;
	return n;
}

long model_dynptr_read(void *dst, u32 len, void *dynptr)
{
	struct model_sample *s = dynptr;

	if (s->size < len)
		return -7;
	memcpy(dst, s->bytes, len);
	return 0;
}

u64 model_clock(void)
{
	return model.now;
}

u32 model_this_cpu(void)
{
	return (u32)model.this_cpu;
}

u64 model_current_tgid(void)
{
	return (u64)model.current_tgid << 32 | 1;
}

long model_read(void *dst, u32 len, const void *src)
{
	memcpy(dst, src, len);
	return 0;
}

long model_read_str(void *dst, u32 len, const void *src)
{
	if (model.on_read)
		model.on_read();
	return snprintf(dst, len, "%s", (const char *)src) + 1;
}

int model_timer_init(struct bpf_timer *timer)
{
	(void)timer;
	return 0;
}

int model_timer_callback(model_timer_cb cb)
{
	model.timer = cb;
	return 0;
}

int model_timer_start(u64 ns)
{
	model.timer_at = model.now + ns;
	return 0;
}

/* ---- the core ---- */

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
		link_task(&model.cpu[t->cpu].local, t, 0, 0);
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
		if (allowed(t, from))
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

	require(allowed(t, cpu), "pid %d runs on CPU %d, which it may not use", t->p.pid, cpu);
	unlink_task(t);
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
		link_task(&model.cpu[cpu].local, prev, 0, SCX_ENQ_HEAD);
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
	if (!c->local.count && !take_first(&model.global) && c->online)
		model_dispatch(cpu);
	if (on_rq && prev->p.scx.slice && !c->local.count)
		goto out; /* kept */
	next = c->local.first;
	if (next)
		unlink_task(next);
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
	unlink_task(t);
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
	if (!allowed(t, t->cpu))
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
