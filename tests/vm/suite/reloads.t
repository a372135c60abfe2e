#!/bin/bash
# Reloads, COUNT of them (default 1000), as fast as they go, under load: no task lost, no moment under the
# fair class, memory flat, and how long decisions paused.
#
#   tests/vm/suite/reloads.t [COUNT]
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
count=${1:-1000}

took_effect() { [[ $(<"$run/log") == *"reloaded (generation $1,"* ]]; }

# pauses: the pauses that the log tells, in us, sorted.
pauses() { sed -n 's/.*decisions paused for \([0-9]*\) us.*/\1/p' "$run/log" | sort -n; }
percentile() { pauses | awk -v p="$1" '{ v[NR] = $1 } END { print v[int((NR - 1) * p / 100) + 1] }'; }

script=$run/edited.lua
with_slice vtime 5000 >"$script"
ok 'starts' start -o builtin_idle=false "$script"
load_seconds=3600 load_on
canary_on
for ((i = 1; i <= count; i++)); do
	with_slice vtime $((3000 + i % 50 * 100)) >"$script"
	kill -HUP "$scx_pid"
	wait_for 60 took_effect $((i + 1)) || break
	((i != 20)) || rss_early=$(rss_kb "$scx_pid")
	((i % 100)) || say "$i reloads"
done
rss_late=$(rss_kb "$scx_pid")
ok 'the load lasted' is "$(pgrep -c stress-ng-)" -ge 8
ok "$count reloads took effect" is "$(reloads)" -eq "$count"
ok 'sched_ext is enabled' is "$(state)" = enabled
ok 'never a moment under the fair class' is "$(enable_seq)" -eq "$seq_at_start"
canary_off
load_off
say "pause of decisions: median $(percentile 50) us, 99 % $(percentile 99) us, longest $(percentile 100) us"
stop >/dev/null
check_end 'reloads'
ok 'no reload failed, no worker was lost' \
	is "$(($(num reload_failures) + $(num worker_restarts) + $(num worker_crashes)))" -eq 0
say "resident memory of the supervisor: ${rss_early:-0} KiB after 20 reloads, $rss_late KiB at the end"
((count < 20)) || ok 'memory is flat' is "$((rss_late * 20))" -le "$((rss_early * 21))"
finish
