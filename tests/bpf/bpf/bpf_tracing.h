/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/bpf_tracing.h - natively an op is a plain function of its arguments. */
#ifndef TEST_BPF_TRACING_H
#define TEST_BPF_TRACING_H

#define BPF_PROG(name, ...) name(__VA_ARGS__)

#endif
