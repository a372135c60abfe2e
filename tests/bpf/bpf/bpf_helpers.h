/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpf/bpf_helpers.h - stands in for libbpf's when the BPF is compiled natively: every helper is
 * a function of the model kernel, every map tells the model its shape.
 */
#ifndef TEST_BPF_HELPERS_H
#define TEST_BPF_HELPERS_H

struct task_struct;
typedef long (*model_drain_cb)(void *dynptr, void *ctx);
typedef int (*model_timer_cb)(void *map, int *key, struct bpf_timer *timer);

/* What the macros below stand on. */
int model_has(const char *sym);
void model_fill(unsigned long long *args, ...);
void *model_map_lookup(void *map, size_t type, size_t size, u32 key);
void *model_percpu_lookup(void *map, size_t size, u32 key, int cpu);
void *model_task_storage(struct task_struct *p, size_t size, u64 flags);
void *model_record_reserve(size_t size);
void model_record_submit(void *rec, u64 flags);
u64 model_record_query(u64 what);
long model_drain(model_drain_cb cb, void *ctx);
long model_dynptr_read(void *dst, u32 len, void *dynptr);
u64 model_clock(void);
u32 model_this_cpu(void);
u64 model_current_tgid(void);
long model_read(void *dst, u32 len, const void *src);
long model_read_str(void *dst, u32 len, const void *src);
int model_timer_init(struct bpf_timer *timer);
int model_timer_callback(model_timer_cb cb);
int model_timer_start(u64 ns);

#define SEC(name) __attribute__((unused))
#define __ksym
#define __weak
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val) *name

/* Both names of each renamed kfunc exist here; the model says which kernel it plays. */
#define bpf_ksym_exists(sym) model_has(#sym)

#define bpf_for(i, start, end) for ((i) = (start); (i) < (end); (i)++)

#define map_words(map, field) (sizeof(*(map)->field) / sizeof(int))
#define bpf_map_lookup_elem(map, key)                                                              \
	model_map_lookup(map, map_words(map, type), sizeof(*(map)->value), *(key))
#define bpf_map_lookup_percpu_elem(map, key, cpu)                                                  \
	model_percpu_lookup(map, sizeof(*(map)->value), *(key), cpu)
#define bpf_task_storage_get(map, p, init, flags)                                                  \
	model_task_storage(p, sizeof(*(map)->value), flags)
#define bpf_ringbuf_reserve(map, size, flags) model_record_reserve(size)
#define bpf_ringbuf_submit(rec, flags) model_record_submit(rec, flags)
#define bpf_ringbuf_query(map, what) model_record_query(what)
#define bpf_user_ringbuf_drain(map, cb, ctx, flags) model_drain((model_drain_cb)(void *)(cb), ctx)
#define bpf_dynptr_read(dst, len, ptr, off, flags) model_dynptr_read(dst, len, ptr)
#define bpf_ktime_get_ns() model_clock()
#define bpf_get_smp_processor_id() model_this_cpu()
#define bpf_get_current_pid_tgid() model_current_tgid()
#define bpf_probe_read_kernel(dst, len, src) model_read(dst, len, src)
#define bpf_probe_read_kernel_str(dst, len, src) model_read_str(dst, len, src)
#define bpf_timer_init(timer, map, clock) model_timer_init(timer)
#define bpf_timer_set_callback(timer, cb) model_timer_callback((model_timer_cb)(void *)(cb))
#define bpf_timer_start(timer, ns, flags) model_timer_start(ns)

/* scx_bstr() wants its arguments counted and stored. */
#define ___bpf_nth(_1, _2, _3, _4, _5, _6, n, ...) n
#define ___bpf_narg(...) ___bpf_nth(, ##__VA_ARGS__, 5, 4, 3, 2, 1, 0)
#define ___bpf_fill(arr, ...) model_fill(arr, ##__VA_ARGS__)

#endif
