/* SPDX-License-Identifier: GPL-2.0-only */
/* bench.bpf.h - arguments of the benchmark's BPF programs, see bench.bpf.c. */
#ifndef BENCH_BPF_H
#define BENCH_BPF_H

#ifndef __bpf__
#include <stdint.h>
#endif

/*
 * n has 64 bits because bpf_loop(), which takes 32, compares all of the register where the
 * verifier inlines it, and clang does not clear the upper half of what it loaded with a
 * neighbour.
 */
struct bench_args {
	uint64_t n;	  /* in: how many; out: how many were done */
	uint64_t first;	  /* in: number of the first record since the start */
	uint32_t threads; /* in: the records are about that many threads in turn */
	uint32_t reserved;
};

#endif
