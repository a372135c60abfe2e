# The benchmark: user-space cost of a task, beside the same in C and the way of scx_rustland_core.
# Included by the top Makefile.
#
#   make bench [BENCH='--quick --json FILE']
#   make bench-library

BENCH ?= --json $B/bench.json
BENCH_SOURCES := bench print feed policies stopwatch rustland

$B/bench/bench.bpf.o: tests/bench/bench.bpf.c tests/bench/bench.bpf.h bpf/abi.h | $B/bench
	@echo "  BPF     $@"
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -Wall $(WERROR) -D__TARGET_ARCH_$(ARCH) -Ibpf \
		-isystem /usr/include/$(TRIPLE) -c $< -o $@

$B/bench/bench.skel.h: $B/bench/bench.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name bench_bpf | sed '/map->link = /d' >$@

$B/bench/bench: $(BENCH_SOURCES:%=tests/bench/%.c) tests/bench/bench.h $B/bench/bench.skel.h \
		$B/libscxlua.a
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests/bench -isystem $B/bench $(filter %.c,$^) $(LDFLAGS_ALL) \
		-Wl,--whole-archive $B/libscxlua.a -Wl,--no-whole-archive $(LIBS_ALL) -o $@

.PHONY: bench
bench: $B/bench/bench ## ns per task of drain, policy, validate, commit; needs no sched_ext
	$(Q)$B/bench/bench $(BENCH)

# The queues alone, for a LuaJIT that is not scxlua.
$B/bench/libqueue.so: runtime/queue.c runtime/queue.h bpf/abi.h | $B/bench
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -O3 -fPIC -shared $< $(LDFLAGS_ALL) -o $@

.PHONY: bench-library
bench-library: $B/bench/libqueue.so $B/abi_cdef.h ## ns per operation of what lua/scx/ offers
	$(Q)luajit tests/bench/library.lua $B/abi_cdef.h $<
