# Unit tests: one program per module, linked with the library it takes what it needs from.
# Included by the top Makefile.

UNIT_TESTS := arena hist queue table ring engine ask synth abi policy_lua topology
UNIT_PROGRAMS := $(UNIT_TESTS:%=$B/unit/test_%)

$B/unit/test_%: tests/unit/test_%.c tests/unit/unit.h $B/libscxlua.a $B/abi_cdef.h Makefile | $B/unit
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/unit -MMD -MP $< $(LDFLAGS_ALL) \
		-Wl,--whole-archive $B/libscxlua.a -Wl,--no-whole-archive -lcmocka $(LIBS_ALL) -o $@

# In the VM: threads that measure how late they are woken, and what stress-ng does not do.
$B/canary $B/oddities: $B/%: tests/vm/%.c | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $< -pthread -o $@

# In the VM: what the verifier makes of each program.
$B/verifier: tests/vm/verifier.c $B/scxlua.bpf.o | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $< $(shell pkg-config --libs libbpf) -lelf -lz -o $@

# Preloaded: lets the Nth call that asks for memory or a descriptor fail.
$B/failing.so: tests/failing/failing.c | $B
	@echo "  CC      $@"
	$(Q)$(CC) -std=gnu11 -O1 -g -fno-builtin $(WARN) -shared -fPIC $< -ldl -o $@
