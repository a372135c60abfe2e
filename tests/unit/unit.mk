# Unit tests: one program per module, or several that share a rig, linked with the library that it
# takes what it needs from.
# Included by the top Makefile.

ENGINE_TESTS := commit engine engine_failures engine_ledger
# With the JIT, which valgrind cannot run.
POLICY_TESTS := lua_load policy_lua warmup lua_cold
SERVER_TESTS := server server_files
SYNTH_TESTS := synth synth_masks
UNIT_TESTS := arena hist queue table ring $(ENGINE_TESTS) ask running $(SYNTH_TESTS) abi $(POLICY_TESTS) \
	topology sandbox script_path exec_memory
UNIT_TESTS += crew $(SERVER_TESTS) control scx_stats notify compaction run_command log
UNIT_PROGRAMS := $(UNIT_TESTS:%=$B/unit/test_%)
TEST_TOOLS := $B/canary $B/fake $B/client

$B/unit/test_%: tests/unit/test_%.c tests/unit/unit.h $B/libscxlua.a $B/abi_cdef.h Makefile | $B/unit
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/unit -MMD -MP $< $(LDFLAGS_ALL) \
		$(filter %.o,$^) -Wl,--whole-archive $B/libscxlua.a -Wl,--no-whole-archive -lcmocka \
		$(LIBS_ALL) -o $@

$B/unit/%_rig.o: tests/unit/%_rig.c Makefile | $B/unit
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/unit -MMD -MP -c $< -o $@

$(ENGINE_TESTS:%=$B/unit/test_%): $B/unit/engine_rig.o
$(POLICY_TESTS:%=$B/unit/test_%): $B/unit/policy_rig.o
$(SERVER_TESTS:%=$B/unit/test_%): $B/unit/server_rig.o
$(SYNTH_TESTS:%=$B/unit/test_%): $B/unit/synth_rig.o

# Not in the library: it forks a worker, which the test stands in for.
$B/unit/test_crew: $B/obj/crew.o

# A control socket without a scheduler, for tests/cli.
$B/fake: tests/cli/fake.c $B/libscxlua.a | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $< $(LDFLAGS_ALL) -Wl,--whole-archive $B/libscxlua.a \
		-Wl,--no-whole-archive $(LIBS_ALL) -o $@

# In the VM: what other programs do to the sockets.
$B/client: tests/vm/client.c | $B
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $< $(SANFLAGS) -o $@

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
