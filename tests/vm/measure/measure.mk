# build/measure, and the test of its statistics. Included by the top Makefile.

MEASURE := measure settings samples work crowd topology shares latency deadlines batch place switches \
	order
UNIT_PROGRAMS += $B/unit/test_measure

check-build: $B/measure

$B/measure: $(MEASURE:%=tests/vm/measure/%.c) tests/vm/measure/measure.h Makefile | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(filter %.c,$^) -pthread -lm -o $@

$B/unit/test_measure: tests/unit/test_measure.c tests/vm/measure/samples.c \
		tests/vm/measure/settings.c tests/vm/measure/measure.h tests/unit/unit.h Makefile | $B/unit
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/unit -Itests/vm/measure $(filter %.c,$^) $(LDFLAGS_ALL) \
		-lcmocka -lm -o $@
