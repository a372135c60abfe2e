#!/bin/bash
# The ledger over a long run: of TASKS tasks and more (default 10 million) that were handed to the
# policy, each was decided, aged out, taken back or had ended: none twice, none lost.
#
#   [SECONDS_MAX=2400] tests/vm/suite/ledger.t [TASKS]
#
# The load is what makes most decisions in a second, 64 threads that only yield: 7700 with QEMU 10;
# 20000 with 7.2 on another host, where pairs of threads that wake each other made 13000 and the mixed
# load some hundreds. And forks and affinity changes, without which the last columns of the ledger would
# be 0.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
tasks=${1:-10000000}

# decided: how many so far, from the statistics socket.
decided() {
	build/client send /var/run/scx/root/stats '{"req":"stats"}' |
		sed -n 's/.*"decided":\([0-9]*\).*/\1/p'
}
enough() { is "$(decided)" -ge "$tasks"; }

# wait_enough: until enough are decided; says every minute how many were.
wait_enough() {
	local deadline=$((SECONDS + ${SECONDS_MAX:-2400})) next=$((SECONDS + 60))
	until enough; do
		((SECONDS < deadline)) && kill -0 "$scx_pid" || return 1
		((SECONDS < next)) || { say "$(decided) decided" && next=$((next + 60)); }
		sleep 2
	done
}

ok 'starts' start -o builtin_idle=false policies/vtime.lua
build/oddities yields &
yields_pid=$!
stress-ng -t 3000 --fork 1 --affinity 1 --temp-path /tmp >/dev/null 2>&1 &
load_pid=$!
canary_on
begin=$SECONDS
ok "$tasks tasks are decided" wait_enough
took=$((SECONDS - begin))
ok 'sched_ext is enabled' is "$(state)" = enabled
ok 'never a moment under the fair class' is "$(enable_seq)" -eq "$seq_at_start"
canary_off
load_off
kill "$yields_pid"
wait "$yields_pid" 2>/dev/null
stop
say "$(num decided) tasks decided in about $took s"
check_end 'ledger'
ok 'no page fault in the worker' is "$(num page_faults)" -eq 0
ok 'one worker did it all' is "$(num worker_restarts)" -eq 0
ok 'tasks were taken back' is "$(num cancelled)" -gt 0
ok 'threads ended' is "$(num threads_gone)" -gt 100
finish
