/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/bpf_core_read.h - natively nothing is relocated: an enum's value is the compiled one. */
#ifndef TEST_BPF_CORE_READ_H
#define TEST_BPF_CORE_READ_H

#define bpf_core_enum_value(type, value) ((unsigned long long)(value))
#define bpf_core_enum_value_exists(type, value) (1)
#define bpf_core_field_exists(field) (sizeof(field) > 0)
#define BPF_CORE_READ(src, path) ((src)->path)

#endif
