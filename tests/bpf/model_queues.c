// SPDX-License-Identifier: GPL-2.0-only
/*
 * model_queues.c - the model kernel's dispatch queues: inserts, which are done after the op that
 * asks for them, iterators, and moves.
 */
#include "model_inside.h"

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

void model_unlink(struct model_task *t)
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

void model_link(struct model_dsq *q, struct model_task *t, int by_vtime, u64 flags)
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
		model_call_hook(&model.on_insert);
}

/* What direct_dispatch() does once the op has returned. */
void model_finish_insert(struct model_task *t)
{
	struct model_dsq *q;
	struct model_cpu *c = &model.cpu[t->cpu];

	require(t->insert_dsq, "pid %d: no insert, the task would be lost", t->p.pid);
	q = t->insert_dsq == SCX_DSQ_LOCAL ? &c->local : model_queue(t->insert_dsq);
	model_link(q, t, t->insert_vtime, t->insert_flags);
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
		model_call_hook(&model.on_iter_new);
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
		model_unlink(t);
		model_link(model_queue(id), t, by_vtime, 0);
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

bool model_take_first(struct model_dsq *q)
{
	struct model_task *t;

	for (t = q->first; t; t = t->next)
		if (model_allows(t, model.this_cpu)) {
			model_unlink(t);
			t->cpu = model.this_cpu;
			model_link(&model.cpu[model.this_cpu].local, t, 0, 0);
			return true;
		}
	return false;
}

BOTH_NAMES(scx_bpf_dsq_move_to_local, scx_bpf_consume, bool, (u64 id), return,
	   model_take_first(model_queue(id)))
