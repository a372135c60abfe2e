# make vm: run a command in a VM with a sched_ext kernel (tests/vm/boot says all of it).
# Included by the top Makefile.
#
#   make vm CMD='uname -r' KERNEL=oldest CPUS=4 MEM=1G TIMEOUT=60

CMD ?= uname -r
KERNEL ?= newest
CPUS ?= 2
MEM ?= 2G
TIMEOUT ?= 300

.PHONY: vm
vm: ## run CMD in a VM: KERNEL=newest|oldest|6.18 CPUS= MEM= TIMEOUT=
	$(Q)tests/vm/boot -k '$(KERNEL)' -c '$(CPUS)' -m '$(MEM)' -t '$(TIMEOUT)' -- \
		sh -c '$(subst ','\'',$(CMD))'
