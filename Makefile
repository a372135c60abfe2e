# SPDX-License-Identifier: GPL-2.0-only
#
# scxlua: a Lua script as the CPU scheduler of a running Linux machine.
#
#   make run    everything from nothing: installs what is missing, builds, schedules
#   make test   the same, and passes the tests
#   make help   the rest
#
# Everything generated goes under build/. V=1 shows the commands. SAN=address|undefined|thread
# builds with that sanitizer in a directory of its own. WERROR= lets a compiler warn that is newer
# than this. What needs root (deps, run, test, test-full, vm, vm-test, install) gives build/ back to
# who called sudo.

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang-19
LUAJIT ?= luajit
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
SAN ?=
POLICY ?= policies/fifo.lua
OPTIONS ?=
Q := $(if $(V),,@)
B := build$(if $(SAN),/$(SAN))
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
TRIPLE := $(shell uname -m)-linux-gnu

WERROR ?= -Werror
WARN = -Wall -Wextra $(WERROR) -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings \
	-Wundef -Wformat=2 -Wimplicit-fallthrough -Wvla
PKGS := luajit jansson libcap libseccomp
# Expanded when used: pkg-config may be what `make deps` is about to install.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS = $(shell pkg-config --libs libbpf $(PKGS))
OPT ?= -O2 -g
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CFLAGS_ALL = -std=gnu11 $(OPT) $(WARN) $(SANFLAGS) -Ibpf -Iruntime -isystem $B \
	$(PKG_CFLAGS:-I%=-isystem %) -DSCXLUA_VERSION='"$(VERSION)"' \
	-DSCXLUA_INSTALLED_LIBDIR='"$(PREFIX)/share/scxlua/lua"' $(CPPFLAGS) $(CFLAGS) $(HOT)
LDFLAGS_ALL = $(SANFLAGS) -rdynamic $(LDFLAGS)
LIBS_ALL = $(PKG_LIBS) -lelf -lz -lm

# Everything but main.c and the module that needs the BPF skeleton, in reading order.
MODULES := ring table queue hist arena engine commit ask running topology mirror synth log options \
	report script_path script library lua_message lua_sandbox lua_load lua_trace lua_cold policy_lua \
	warmup sandbox_calls sandbox_landlock sandbox exec_memory check check_trial check_probe \
	check_round check_workload check_fresh check_report
DAEMON := kernel worker crew succession watchdog remote supervisor session main
LUA := $(wildcard lua/*.lua lua/*/*.lua)
POLICIES := $(wildcard policies/*.lua policies/guide/*.lua)
# Installed with the tree's layout, so that their links hold.
PAGES := README.md CONTRIBUTING.md SECURITY.md LICENSE $(wildcard lua/*.md policies/*.md)
# What a running scxlua is asked through.
MODULES += json_text server control scx_stats client notify
# What surrounds the scheduling.
MODULES += compaction run_command

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all docs deps run test test-full check check-build lint valgrind install clean help
all: $B/scxlua $B/library/scx.meta.lua $B/luacheckrc ## build build/scxlua

include tests/vm/vm.mk
include tests/unit/unit.mk
include tests/bpf/bpf.mk
include tests/bench/bench.mk
include tests/vm/measure/measure.mk
include tests/vm/schtest/schtest.mk
include tests/fuzz/fuzz.mk

$B/%.d: ;
$B $B/obj $B/unit $B/bench $B/library:
	$(Q)mkdir -p $@

$B/abi_cdef.h: bpf/abi.h | $B
	$(Q)sed -n '/^\/\* cdef-begin/,/^\/\* cdef-end/p' $< | sed 's/SCX_RO/const/g' >$@

$B/abi_cdef.inc: $B/abi_cdef.h
	$(Q)sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $< >$@

$B/scxlua.bpf.o: bpf/scxlua.bpf.c $(wildcard bpf/*.h) | $B
	@echo "  BPF     $@"
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -Wall $(WERROR) -D__TARGET_ARCH_$(ARCH) -Ibpf \
		-isystem /usr/include/$(TRIPLE) -c $< -o $@

# The line that is cut out sets a field that libbpf 1.4 does not have; the struct_ops link is
# made by kernel_attach(), not by the skeleton.
$B/scxlua.skel.h: $B/scxlua.bpf.o
	@echo "  SKEL    $@"
	$(Q)$(BPFTOOL) gen skeleton $< name scxlua_bpf | sed '/map->link = /d' >$@

$B/obj/%.o: runtime/%.c Makefile | $B/obj $B/abi_cdef.inc
	@echo "  CC      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$B/obj/kernel.o: $B/scxlua.skel.h

# What runs per task: 6 % faster than with -O2 (bench, fifo in Lua, batch 64: 35.2 and 33.0 ns).
$(patsubst %,$B/obj/%.o,ring table queue engine commit): HOT := -O3

$B/libscxlua.a: $(MODULES:%=$B/obj/%.o)
	@echo "  AR      $@"
	$(Q)rm -f $@ && ar rcs $@ $^

$B/scxlua: $(DAEMON:%=$B/obj/%.o) $B/libscxlua.a
	@echo "  LD      $@"
	$(Q)$(CC) $(LDFLAGS_ALL) $(DAEMON:%=$B/obj/%.o) -Wl,--whole-archive $B/libscxlua.a \
		-Wl,--no-whole-archive $(LIBS_ALL) -o $@

-include $(wildcard $B/obj/*.d $B/unit/*.d)

# What lua/api.lua says, for lua-language-server (see .luarc.json) and luacheck.
$B/library/scx.meta.lua: lua/gen.lua lua/api.lua | $B/library
	$(Q)$(LUAJIT) lua/gen.lua meta >$@

$B/luacheckrc: lua/gen.lua lua/api.lua | $B
	$(Q)$(LUAJIT) lua/gen.lua luacheck >$@

docs: all ## write anew what is generated of lua/*.md, lua/*.7 and policies/README.md
	$(Q)$(LUAJIT) lua/gen.lua reference >lua/REFERENCE.md
	$(Q)$(LUAJIT) lua/gen.lua man >$B/scxlua-policy.7 && mv $B/scxlua-policy.7 lua/
	$(Q)SCXLUA=$B/scxlua $(LUAJIT) tests/lua/policies.t.lua --write >/dev/null

# $(call hand_back,COMMAND): runs it and gives build/ back to who called sudo, after Ctrl-C too; its
# status is that of the recipe.
hand_back = trap : INT TERM; $1; status=$$?; [ -z "$$SUDO_UID" ] || [ ! -d build ] || \
	find build -name bootstrap -prune -o -exec chown -h "$$SUDO_UID:$$SUDO_GID" {} +; exit $$status

deps: ## install what is missing from Debian, saying what
	$(Q)$(call hand_back,.ci/deps)

run: ## schedule this machine, or a VM with a visible load: POLICY=policies/fifo.lua OPTIONS='-o slice_us=1000'
	$(Q)$(call hand_back,.ci/deps build $(if $(wildcard /sys/kernel/sched_ext),,test))
	$(Q)$(call hand_back,$(MAKE) --no-print-directory all)
	$(Q)$(call hand_back,tests/demo '$(POLICY)' $(OPTIONS))

check-build: all $(UNIT_PROGRAMS) $(BPF_TESTS:%=$B/unit/%) $(TEST_TOOLS) $B/oddities $B/verifier $B/failing.so $(FUZZERS:%=build/fuzz/%)

test: deps ## all the tests: check, then the real kernel in a VM
	$(Q)$(call hand_back,$(MAKE) --no-print-directory check-build)
	$(Q)$(call hand_back,B=$B tests/run --list tests/check.list --list tests/vm.list)

# What is tested: the commit, and what is changed since.
STATE = $(shell { git rev-parse HEAD; git diff HEAD; git ls-files -o --exclude-standard -z | \
	xargs -0r cat; } | sha1sum | cut -c1-40)

test-full: deps ## all that, longer; goes on where it was stopped, FORCE=1 begins anew
	$(if $(FORCE),$(Q)rm -f build/test/*.passed)
	$(Q)$(call hand_back,$(MAKE) --no-print-directory check-build)
	$(Q)$(call hand_back,B=$B tests/run --timeout 3600 --resume $(STATE) --list tests/check.list \
		--list tests/vm.list --list tests/vm-full.list)

check: check-build ## tests that need neither root nor a VM, under a minute
	$(Q)B=$B tests/run --list tests/check.list

valgrind: check-build ## the unit tests under valgrind, but those that it cannot run (JIT, sandbox)
	$(Q)for t in $(filter-out $(POLICY_TESTS:%=$B/unit/test_%) %sandbox %exec_memory,$(UNIT_PROGRAMS)); do \
		valgrind -q --error-exitcode=1 --leak-check=full $$t >/dev/null || exit 1; done
	@echo "valgrind: clean"

lint: all ## formatting, luacheck, shellcheck, headers, Lua globals
	$(Q)tests/lint

clean: ## remove what was built, but not fetched kernels
	$(Q)[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name kernels ! -name bootstrap -exec rm -rf {} +

install: all ## install under DESTDIR and PREFIX
	install -Dm755 $B/scxlua $(DESTDIR)$(PREFIX)/bin/scxlua
	$(foreach f,$(LUA) $(POLICIES) $(PAGES),install -Dm644 $f $(DESTDIR)$(PREFIX)/share/scxlua/$f;)
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/scxlua/library $B/library/scx.meta.lua
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/scxlua $B/luacheckrc
	sed 's,build/library,$(PREFIX)/share/scxlua/library,' .luarc.json \
		>$(DESTDIR)$(PREFIX)/share/scxlua/luarc.json
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man8 runtime/scxlua.8
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man7 lua/scxlua-policy.7
	sed 's,/usr/local,$(PREFIX),' runtime/scxlua.service | \
		install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/scxlua.service
	$(Q)$(call hand_back,true)

help: ## this list
	$(Q)sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
