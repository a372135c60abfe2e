# Unit tests: one program per module, linked with the library it takes what it needs from.
# Included by the top Makefile.

UNIT_TESTS := arena hist queue table ring engine ask abi policy_lua topology
UNIT_PROGRAMS := $(UNIT_TESTS:%=$B/unit/test_%)

$B/unit/test_%: tests/unit/test_%.c tests/unit/unit.h $B/libscxlua.a $B/abi_cdef.h Makefile | $B/unit
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/unit -MMD -MP $< $(LDFLAGS_ALL) \
		-Wl,--whole-archive $B/libscxlua.a -Wl,--no-whole-archive -lcmocka $(LIBS_ALL) -o $@

# In the VM: threads that measure how late they are woken, and what stress-ng does not do.
$B/canary $B/oddities: $B/%: tests/vm/%.c | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $< -pthread -o $@

# In the VM too: loads and what the scheduler makes of them. The test is of its statistics.
MEASURE := measure settings samples work crowd topology shares latency deadlines batch place switches \
	order
UNIT_PROGRAMS += $B/unit/test_measure

$B/measure: $(MEASURE:%=tests/vm/measure/%.c) tests/vm/measure/measure.h Makefile | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(filter %.c,$^) -pthread -lm -o $@

$B/unit/test_measure: tests/unit/test_measure.c tests/vm/measure/samples.c \
		tests/vm/measure/settings.c tests/vm/measure/measure.h tests/unit/unit.h Makefile | $B/unit
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/unit -Itests/vm/measure $(filter %.c,$^) $(LDFLAGS_ALL) \
		-lcmocka -lm -o $@
