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

BPF_MODEL = $(patsubst %,$B/unit/%.o,kernel_model model_queues model_kfuncs)
BPF_TEST_HEADERS = $(wildcard tests/bpf/*.h tests/bpf/bpf/*.h bpf/*.h) tests/unit/unit.h

$(BPF_MODEL): $B/unit/%.o: tests/bpf/%.c $(BPF_TEST_HEADERS)
	@echo "  CC      $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BPF_TEST_CFLAGS) -c $< -o $@

$B/unit/%: tests/bpf/%.c $(BPF_MODEL) $(BPF_TEST_HEADERS) bpf/scxlua.bpf.c
	@echo "  CC      $@"
	$(Q)$(CC) $(BPF_TEST_CFLAGS) $< $(BPF_MODEL) -lcmocka -o $@

.PHONY: check-bpf
check-bpf: $(BPF_TESTS:%=$B/unit/%)
	$(Q)for t in $^; do $$t || exit 1; done
