#!/bin/bash
# Policies drawn from a seed, each for two seconds under load, and a reload after every fifth: whatever
# a script decides, or does not decide, no task is lost and no thread waits for long.
#
#   tests/vm/suite/random.t [SECONDS [SEED]]     (default: 60, from seed 1)
#
# A run that fails says which seed it was at; `random.t 10 SEED` begins with that one.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
deadline=${1:-60} seed=${2:-1} first=${2:-1}

sound() { is "$(state)" = enabled && is "$(enable_seq)" -eq "$seq_at_start"; }
counted() { is "$(num "$1")" -gt 0; }

ok 'starts' start -o "seed=$seed" policies/random.lua
load_seconds=$((deadline + 300)) load_on
canary_on
deadline=$((SECONDS + deadline))
while ((SECONDS < deadline)); do
	sleep 2
	sound || break
	seed=$((seed + 1))
	build/scxlua set "seed=$seed" >/dev/null || say "seed $seed was not set"
	((seed % 5)) || kill -HUP "$scx_pid"
done
ok "seeds $first to $seed: always enabled" sound
canary_off
load_off
stop
check_end "seeds $first to $seed"
ok 'no page fault in the worker' is "$(num page_faults)" -eq 0
ok 'no worker was lost' is "$(($(num worker_crashes) + $(num worker_overruns)))" -eq 0
for counter in aged_out forgotten reject_twice bad_cpu bad_slice bad_vtime policy_errors reloads; do
	ok "$counter is counted: $(num "$counter")" counted "$counter"
done
finish
