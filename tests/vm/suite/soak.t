#!/bin/bash
# A soak: the mixed load for SECONDS (default 600), with storms of forks, affinity changes, renices,
# cgroup moves and reloads in turn. No task lost, no moment under the fair class, memory flat.
#
#   tests/vm/suite/soak.t [SECONDS]
#
# Memory is looked at after each turn of all storms, when the script has just been reloaded: the
# worker is a new process then, as old each time.
# shellcheck disable=SC2034,SC2317 # $seconds is of the storms; functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
# shellcheck source=tests/vm/corpus/lib.sh
. "$OLDPWD/tests/vm/corpus/lib.sh"
# shellcheck source=tests/vm/corpus/kernel.sh
. "$OLDPWD/tests/vm/corpus/kernel.sh"
total=${1:-600}
seconds=6 # of each storm
turns=0
worker_kb=() supervisor_kb=()

# beside ARG...: stress-ng beside the load, which storm() would end.
beside() { stress-ng -t "$seconds" --temp-path /tmp "$@" >/dev/null 2>&1; }
fork_storm() { beside --fork 4 --vfork 2; }
affinity_storm() { beside --affinity 4 --affinity-rand --affinity-delay 0; }

# renice_load NICE: the whole load.
renice_load() { pgrep stress-ng | xargs -r renice -n "$1" -p >/dev/null 2>&1; }
# Not below -10, where the load would leave nothing to this shell; at the end as before.
renice_storm() {
	local deadline=$((SECONDS + seconds))
	while ((SECONDS < deadline)); do
		renice_load $((RANDOM % 30 - 10))
	done
	renice_load 0
}

more_than() { is "$(reloads)" -gt "$1"; }

# reload_storm: five new texts, each when the one before has taken effect.
reload_storm() {
	local before i
	for i in 1 2 3 4 5; do
		before=$(reloads)
		with_slice vtime $((3000 + i * 100 + turns % 50)) | edit
		wait_for 60 more_than "$before" || return
		asked=$((asked + 1))
	done
}

# look: the memory of both processes, some seconds after the last reload.
look() {
	sleep 3
	worker_kb+=("$(rss_kb "$(worker)")")
	supervisor_kb+=("$(rss_kb "$scx_pid")")
	say "turn $turns, $((SECONDS - begin)) s: worker ${worker_kb[-1]} KiB, supervisor" \
		"${supervisor_kb[-1]} KiB"
}

turn() {
	local name
	for name in fork affinity renice cgroup reload; do
		"${name}_storm"
		say "$((SECONDS - begin)) s: $name"
		is "$(state)" = enabled || return
	done
	turns=$((turns + 1))
	look
}

# is_flat FIRST LAST: not more than a twentieth above the first.
is_flat() { is "$(($2 * 20))" -le "$(($1 * 21))"; }

asked=0
script=$run/edited.lua
cp policies/vtime.lua "$script"
ok 'starts' start -o builtin_idle=false "$script"
load_seconds=$((total + 600)) load_on # a last turn may take long
canary_on
begin=$SECONDS
while ((SECONDS - begin < total || turns < 2)); do
	turn || break
done
ok 'the load lasted' is "$(pgrep -c stress-ng-)" -ge 8
ok 'sched_ext is enabled' is "$(state)" = enabled
ok 'never a moment under the fair class' is "$(enable_seq)" -eq "$seq_at_start"
canary_off
load_off
stop >/dev/null
ok "$turns turns of all storms" is "$turns" -ge 2
check_end 'soak'
ok 'no page fault in the worker' is "$(num page_faults)" -eq 0
ok "$asked reloads took effect" is "$(num reloads)" -eq "$asked"
ok 'no reload failed, no worker was lost' \
	is "$(($(num reload_failures) + $(num worker_restarts) + $(num worker_crashes)))" -eq 0
ok 'threads ended, tasks were taken back' \
	is "$(($(num threads_gone) > 500 && $(num cancelled) > 0))" -eq 1
ok "the worker's memory is flat" is_flat "${worker_kb[0]}" "${worker_kb[-1]}"
ok "the supervisor's memory is flat" is_flat "${supervisor_kb[0]}" "${supervisor_kb[-1]}"
finish
