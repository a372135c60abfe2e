# SPDX-License-Identifier: GPL-2.0-only
#
# The BPF compiled natively against a model kernel: tests in milliseconds, without root.
# Included by the top Makefile; alone, from the top directory, also:
#
#   make -f tests/bpf/bpf.mk B=build CC=gcc check-bpf
#   make -f tests/bpf/bpf.mk B=build/asan CC=clang-19 check-bpf \
#        SANFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=all'

B ?= build
Q ?= @
BPF_TESTS ?= test_bpf_enqueue test_bpf_verdict test_bpf_pick test_bpf_guard test_bpf_worker \
	test_bpf_life test_bpf_faults test_bpf_sim
# Flexible arguments of the BPF's macros and its kernel-style types need no warning here.
BPF_TEST_CFLAGS = -std=gnu11 -O1 -g $(WARN) $(SANFLAGS) -Wno-unknown-pragmas -Itests/bpf -Ibpf

BPF_TEST_HEADERS = $(wildcard tests/bpf/*.h tests/bpf/bpf/*.h bpf/*.h) tests/unit/unit.h

$B/unit/kernel_model.o: tests/bpf/kernel_model.c $(BPF_TEST_HEADERS)
	@echo "  CC      $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BPF_TEST_CFLAGS) -c $< -o $@

$B/unit/%: tests/bpf/%.c $B/unit/kernel_model.o $(BPF_TEST_HEADERS) bpf/scxlua.bpf.c
	@echo "  CC      $@"
	$(Q)$(CC) $(BPF_TEST_CFLAGS) $< $B/unit/kernel_model.o -lcmocka -o $@

.PHONY: check-bpf
check-bpf: $(BPF_TESTS:%=$B/unit/%)
	$(Q)for t in $^; do $$t || exit 1; done
