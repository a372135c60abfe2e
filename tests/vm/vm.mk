# make vm: run a command in a VM with a sched_ext kernel (tests/vm/boot says all of it).
# Included by the top Makefile.
#
#   make vm CMD='uname -r' KERNEL=oldest CPUS=4 MEM=1G TIMEOUT=60
#   make vm-test FAULT='K04 S1'     (S1: S10 to S19)

CMD ?= uname -r
KERNEL ?= newest
CPUS ?= 2
MEM ?= 2G
TIMEOUT ?= 300

.PHONY: vm vm-test faults
vm: ## run CMD in a VM: KERNEL=newest|oldest|6.18 CPUS= MEM= TIMEOUT=
	$(Q)$(call hand_back,tests/vm/boot -k '$(KERNEL)' -c '$(CPUS)' -m '$(MEM)' -t '$(TIMEOUT)' -- \
		sh -c '$(subst ','\'',$(CMD))')

FAULT ?= S K R
vm-test: check-build ## run cases of the fault corpus in a VM: FAULT='K04 S1'
	$(Q)$(call hand_back,tests/vm/boot -k '$(KERNEL)' -c '$(CPUS)' -m '$(MEM)' -t 3000 -o $B/vm/faults \
		-- tests/vm/suite/corpus.t $(FAULT))

# Suites with cases of the corpus or guards that are turned off, by their names in tests/vm.list and
# tests/vm-full.list.
FAULT_LOGS := $(patsubst %,full-faults-%,s0 s1 s2 k0 k1 k2 r0 r1) vm-control vm-control-2 vm-sandbox \
	vm-oldest-2 vm-newest-1 vm-newest-4 full-guards
faults: ## tests/faults.md anew, from the last make test-full
	$(Q)tests/vm/fault-table $(FAULT_LOGS:%=build/test/%.log) >build/faults.md
	$(Q)mv build/faults.md tests/faults.md
