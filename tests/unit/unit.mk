# Unit tests: one program per module, linked with the library it takes what it needs from.
# Included by the top Makefile.

UNIT_TESTS := arena hist queue table ring engine ask abi policy_lua topology
UNIT_PROGRAMS := $(UNIT_TESTS:%=$B/unit/test_%)

$B/unit/test_%: tests/unit/test_%.c tests/unit/unit.h $B/libscxlua.a $B/abi_cdef.h Makefile | $B/unit
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/unit -MMD -MP $< $(LDFLAGS_ALL) \
		-Wl,--whole-archive $B/libscxlua.a -Wl,--no-whole-archive -lcmocka $(LIBS_ALL) -o $@

# In the VM: threads that measure how late they are woken.
$B/canary: tests/vm/canary.c | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $< -pthread -o $@
