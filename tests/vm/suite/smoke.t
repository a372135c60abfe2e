#!/bin/bash
# Loads, attaches, schedules a short load with each policy and detaches: for the matrix of
# kernels and CPU counts. R19 of the fault corpus: the same binary on each.
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
for policy in fifo vtime; do
	name="R19 $policy"
	ok "$name: starts" start -o builtin_idle=false "policies/$policy.lua"
	load_on
	canary_on
	sleep 5
	ok "$name: attached" is "$(state)" = enabled
	canary_off
	load_off
	stop
	check_end "$name"
	ok "$name: decided" is "$(num decided)" -gt 0
done
finish
