#!/bin/bash
# Loads, attaches, schedules a short load with each policy and detaches: for the matrix of
# kernels and CPU counts.
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
for policy in fifo vtime; do
	ok "$policy: starts" start -o builtin_idle=false "policies/$policy.lua"
	load_on
	canary_on
	sleep 5
	ok "$policy: attached" is "$(state)" = enabled
	canary_off
	load_off
	stop
	check_end "$policy"
	ok "$policy: decided" is "$(num decided)" -gt 0
done
finish
