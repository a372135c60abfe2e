# Fuzzers: libFuzzer with the address and undefined sanitizers, and the inputs that are kept.
# Included by the top Makefile.
#
#   make fuzz FUZZ_SECONDS=60 [FUZZ='records decisions']
#
# New inputs that reach new code go to tests/fuzz/corpus/NAME, merged, so that `make check`, which
# runs the kept ones, goes on reaching it.

FUZZERS := records decisions options
FUZZ ?= $(FUZZERS)
FUZZ_SECONDS ?= 60
FUZZ_SOURCES := $(addprefix runtime/,engine.c commit.c ask.c ring.c table.c queue.c hist.c options.c)

build/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/rig.h $(FUZZ_SOURCES) $(wildcard runtime/*.h) bpf/abi.h
	@echo "  FUZZ    $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu11 -O1 -g $(WARN) -Wno-unused-function -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -Ibpf -Iruntime -Itests/fuzz $< $(FUZZ_SOURCES) -o $@

.PHONY: fuzz
fuzz: $(FUZZ:%=build/fuzz/%) ## fuzz for FUZZ_SECONDS each: FUZZ='records decisions options'
	$(Q)for f in $(FUZZ); do \
		mkdir -p build/fuzz/new/$$f tests/fuzz/corpus/$$f; \
		echo "fuzzing $$f for $(FUZZ_SECONDS) s"; \
		build/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=build/fuzz/$$f- build/fuzz/new/$$f tests/fuzz/corpus/$$f || exit 1; \
		build/fuzz/$$f -merge=1 -verbosity=0 tests/fuzz/corpus/$$f build/fuzz/new/$$f || exit 1; \
	done
