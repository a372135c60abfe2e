# build/schtest, with clocks, quantiles and topology of build/measure. Included by the top Makefile.

SCHTEST := schtest tasks flag basic latency placement
SCHTEST_SOURCES := $(SCHTEST:%=tests/vm/schtest/%.c) \
	$(patsubst %,tests/vm/measure/%.c,samples work topology)

check-build: $B/schtest

$B/schtest: $(SCHTEST_SOURCES) tests/vm/schtest/schtest.h tests/vm/measure/measure.h Makefile | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/vm/measure $(filter %.c,$^) -pthread -lm -o $@
