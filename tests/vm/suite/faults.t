#!/bin/bash
# What a policy, a signal or a crash can do, under load: the scheduler stays attached, nobody
# waits for more than a second, and the recovery is counted. Names are those of the fault corpus.
# Arguments: the cases to run, all by default.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

injected= # an option of scxlua that injects a fault

# survive NAME SECONDS POLICY [CMD...]: the policy runs under load, CMD is done to it.
survive() {
	local name=$1 seconds=$2 policy=$3
	shift 3
	ok "$name: starts" start ${injected:+"$injected"} -o builtin_idle=false "$policy"
	load_on
	canary_on
	sleep 2
	if (($#)); then
		"$@"
	fi
	sleep "$seconds"
	ok "$name: still attached" is "$(state)" = enabled
	ok "$name: enable_seq is unchanged" is "$(enable_seq)" -eq "$seq_at_start"
	canary_off
	load_off
	stop
	check_end "$name"
}

kill_worker() { kill -KILL "$(worker)"; }
stop_worker() {
	local pid
	pid=$(worker)
	kill -STOP "$pid"
	sleep 20
	kill -CONT "$pid"
}
stop_both() {
	local pid
	pid=$(worker)
	kill -STOP "$pid" "$scx_pid"
	sleep 20
	kill -CONT "$pid" "$scx_pid"
}

loop() {
	survive "S10 endless loop in enqueue()" 14 policies/loop_later.lua
	ok "S10: overruns and restarts are counted" is "$(($(num worker_overruns) * $(num worker_restarts)))" -gt 0
	ok "S10: the log names the hook's line" grep -qE 'loop_later\.lua:[0-9]+: enqueue\(\)' "$run/log"
}
killed() {
	survive "R01 SIGKILL of the worker" 6 policies/fifo.lua kill_worker
	ok "R01: one crash, one restart" is "$(num worker_crashes)$(num worker_restarts)" -eq 11
	ok "R01: decides again" grep -q "fifo#2:" "$run/stats"
}
stopped() {
	survive "R02 SIGSTOP of the worker for 20 s" 4 policies/vtime.lua stop_worker
	ok "R02: bypass is counted" is "$(num bypassed)" -gt 0
	ok "R02: it was not taken for a crash" is "$(num worker_restarts)" -eq 0
}
both() {
	survive "R03 SIGSTOP of both processes for 20 s" 4 policies/vtime.lua stop_both
	ok "R03: bypass is counted" is "$(num bypassed)" -gt 0
}
never() {
	survive "S21 never dispatches" 10 policies/never.lua
	ok "S21: all aged out" is "$(num aged_out)" -gt 100
	ok "S21: forgotten is counted" is "$(num forgotten)" -gt 0
}
starving() {
	survive "starving vtimes" 15 policies/starve.lua
	ok "starving vtimes: starved is counted" is "$(num starved)" -gt 0
}
segv() {
	survive "R04 a bad pointer" 10 policies/segv_later.lua
	ok "R04: crashes are counted" is "$(num worker_crashes)" -gt 0
}
lost() {
	injected=--fault=drop=10
	survive "one decision in ten lost" 6 policies/fifo.lua
	injected=
	ok "lost decisions: injected" is "$(num injected)" -gt 0
	ok "lost decisions: their tasks aged out" is "$(num aged_out)" -gt 0
}
full() {
	injected=--fault=ring_full=5
	survive "R11 the record ring is full" 6 policies/fifo.lua
	injected=
	ok "R11: congested is counted" is "$(num congested)" -gt 0
}
supervisor() {
	ok "R01s SIGKILL of the supervisor: starts" start policies/fifo.lua
	kill -KILL "$scx_pid"
	wait "$scx_job" 2>/dev/null
	ok "R01s: disabled within a second" wait_for 2 is_disabled
	ok "R01s: the worker is gone too" wait_for 2 no_worker
	ok "R01s: the machine carries on" sleep 0.1
}
is_disabled() { is "$(state)" = disabled; }
no_worker() { [[ -z $(worker) ]]; }

(($#)) || set -- loop killed stopped both never starving segv lost full supervisor
for case; do
	$case
done
finish
