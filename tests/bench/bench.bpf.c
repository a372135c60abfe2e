// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench.bpf.c - the kernel's ends of the two rings, without a scheduler.
 *
 * SEC("syscall") programs run by BPF_PROG_TEST_RUN: nothing is attached, nothing on the machine
 * changes. `produce` does what ops.enqueue does to the record ring, `take` what ops.dispatch
 * does to the user ring, `nothing` is what a user-space scheduler that asks the kernel for a
 * CPU by a system call pays for the call alone.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef __u64 uint64_t;
typedef __u32 uint32_t;
typedef __s64 int64_t;
typedef __s32 int32_t;
typedef __u16 uint16_t;
typedef __s16 int16_t;

#include "abi.h"
#include "bench.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SCXLUA_RING_BYTES);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, SCXLUA_USER_RING_BYTES);
} verdicts SEC(".maps");

uint64_t sum; /* keeps the callback from being empty */

/* The engine compares these times: a thread has run between any two of its enqueues. */
static void fill(struct scxlua_record *rec, uint64_t number, uint32_t threads)
{
	uint64_t now = 1000000000 + number * 1000;
	uint32_t thread = number % threads;

	__builtin_memset(rec, 0, sizeof(*rec));
	rec->kind = SCXLUA_REC_ENQUEUE;
	rec->flags = SCX_TASK_WAKEUP;
	rec->pid = 1000 + (int32_t)thread;
	rec->tgid = rec->pid;
	rec->cookie = 1 + thread;
	rec->seq = number;
	rec->nr_cpus_allowed = 4;
	rec->weight = 100;
	rec->enqueue_ns = now;
	rec->start_ns = now - 500;
	rec->stop_ns = now - 250;
	rec->exec_ns = 250;
	rec->sum_exec_ns = number / threads * 250 + (thread & 63) * 1000;
	rec->cgroup_id = 1;
}

static long produce_one(uint32_t i, void *ctx)
{
	const struct bench_args *args = ctx;
	struct scxlua_record *rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);

	if (!rec)
		return 1;
	fill(rec, args->first + i, args->threads ? args->threads : 1);
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("syscall")
int produce(struct bench_args *args)
{
	struct bench_args copy = *args;

	args->n = (uint64_t)bpf_loop(copy.n, produce_one, &copy, 0);
	return 0;
}

static long take_one(struct bpf_dynptr *dynptr, void *ctx)
{
	const struct scxlua_verdict *v = bpf_dynptr_data(dynptr, 0, sizeof(*v));

	if (v)
		sum += v->vtime + v->slice_ns;
	return 0;
}

SEC("syscall")
int take(struct bench_args *args)
{
	long n = bpf_user_ringbuf_drain(&verdicts, take_one, NULL, BPF_RB_NO_WAKEUP);

	args->n = n < 0 ? 0 : (uint64_t)n;
	return 0;
}

SEC("syscall")
int nothing(struct bench_args *args)
{
	args->n++;
	return 0;
}
