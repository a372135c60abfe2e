// SPDX-License-Identifier: GPL-2.0-only
/*
 * model_kfuncs.c - what else the BPF calls: idle CPUs and kicks, tasks by pid, maps, the two rings,
 * time and the timer.
 */
#include "model_inside.h"

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

void *model_percpu_lookup(void *map, size_t size, u32 key, int cpu)
{
	int this_cpu = model.this_cpu;
	void *row;

	model.this_cpu = cpu;
	row = model_map_lookup(map, BPF_MAP_TYPE_PERCPU_ARRAY, size, key);
	model.this_cpu = this_cpu;
	return row;
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
		model_call_hook(&model.on_submit);
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
