#!/bin/bash
# Each shipped policy schedules the machine under the mixed load, every decision its own.
#
#   [SECONDS_EACH=30] tests/vm/suite/load.t [NAME]...
#
# NAME: the policies, all that are shipped by default.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

under_one_percent() {
	say "aged out $(num aged_out) of $(num decided) decided"
	is "$(($(num aged_out) * 100))" -lt "$(num decided)"
}

# No task has to be moved ahead because its decision was unfair. In a lottery anybody can lose for
# half a second: then at most one in 200.
none_starved() {
	local bound=0
	[[ $1 != lottery ]] || bound=$(($(num decided) / 200))
	is "$(num starved)" -le "$bound"
}

nothing_rejected() {
	local name sum=0
	for name in reject_unknown reject_twice bad_cpu bad_slice bad_vtime bad_flags bad_records \
		malformed policy_errors; do
		is "$(num "$name")" -eq 0 || say "$name $(num "$name")"
		sum=$((sum + $(num "$name")))
	done
	is "$sum" -eq 0
}

load() {
	local policy=$1
	ok "$policy: starts" start -o builtin_idle=false "policies/$policy.lua"
	load_on
	canary_on
	sleep "${SECONDS_EACH:-30}"
	ok "$policy: still attached" is "$(state)" = enabled
	canary_off
	load_off
	stop
	check_end "$policy"
	ok "$policy: less than 1 % aged out" under_one_percent
	ok "$policy: none starved" none_starved "$policy"
	ok "$policy: no page fault in the worker" is "$(num page_faults)" -eq 0
	ok "$policy: nothing rejected" nothing_rejected
	tail -n 1 "$run/stats" | sed 's/^/# /'
}

(($#)) || set -- "${shipped[@]}"
for policy; do
	load "$policy"
done
finish
