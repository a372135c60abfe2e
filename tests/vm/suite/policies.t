#!/bin/bash
# Each shipped policy schedules the machine for a minute under load, every decision its own.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

under_one_percent() {
	say "aged out $(num aged_out) of $(num decided) decided"
	is "$(($(num aged_out) * 100))" -lt "$(num decided)"
}

(($#)) || set -- fifo vtime
for policy; do
	ok "$policy: starts" start -o builtin_idle=false "policies/$policy.lua"
	load_on
	canary_on
	sleep "${SECONDS_EACH:-60}"
	ok "$policy: still attached" is "$(state)" = enabled
	canary_off
	load_off
	stop
	check_end "$policy"
	ok "$policy: less than 1 % aged out" under_one_percent
	ok "$policy: no page fault in the worker" is "$(num page_faults)" -eq 0
	ok "$policy: nothing rejected" is "$(($(num reject_unknown) + $(num reject_twice) + $(num malformed) + $(num bad_records)))" -eq 0
	tail -n 1 "$run/stats" | sed 's/^/# /'
done
finish
