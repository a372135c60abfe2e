#!/bin/bash
# Partial mode: only tasks of class SCHED_EXT reach the policy. And `scxlua run`, whose command and
# what that starts are the only ones: as what it runs, how it ends, whom signals go to, and what
# becomes of it when the scheduler ends first.
# shellcheck disable=SC2016,SC2317 # for the inner shells; functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

stat_of() {
	build/client send /var/run/scx/root/stats '{"req":"stats"}' | grep -oE "\"$1\":[0-9]+" |
		cut -d: -f2
}
log_says() { grep -qE -- "$1" "$run/log" || { sed 's/^/# log: /' "$run/log" && false; }; }
out_is() { is "$(cat "$run/out")" = "$1"; }
no_child() { ! pgrep -r Z -x 'scxlua.*|sh' >/dev/null; }
is_disabled() { is "$(state)" = disabled; }

# run_command [OPTION]... -- CMD...: to its end; leaves $status, and what was printed.
run_command() {
	local options=()
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	rm -f "$run/json"
	build/scxlua run --json "$run/json" "${options[@]}" policies/fifo.lua "$@" >"$run/out" 2>"$run/log"
	status=$?
	return 0
}

# command_on [OPTION]... -- CMD...: the same in the background, until the command has said "up".
command_on() {
	rm -f "$run/out"
	(run_command "$@" && exit "$status") &
	scx_job=$!
	wait_for 30 is_up
	scx_pid=$(pgrep -o -x scxlua)
}
is_up() { grep -qsx up "$run/out"; }
# ends: waits for that; its $status.
ends() {
	wait "$scx_job"
	status=$?
}
command_runs() { pgrep -f '^sh -c .*in-the-loop' >/dev/null; }

# ---- partial mode ----

hog='while :; do :; done'
ok '-p: starts' start -p -o builtin_idle=false policies/fifo.lua
taskset -c 0 sh -c "$hog" &
fair=$!
sleep 2
ok '-p: a task of the fair class does not reach the policy' is "$(stat_of queued)" -eq 0
build/oddities ext taskset -c 1 sh -c "$hog" &
ext1=$!
build/oddities ext taskset -c 1 sh -c "$hog" &
ext2=$!
sleep 3
kill "$fair" "$ext1" "$ext2"
wait "$fair" "$ext1" "$ext2" 2>/dev/null
stop
say "queued $(num queued), decided $(num decided)"
ok '-p: two of class SCHED_EXT do, in turns' is "$(num decided)" -gt 50
ok '-p: exit status 0, kind 64' is "$status$(num kind)" -eq 064
ok '-p: the ledger is exact' ledger

# ---- run: what the command is ----

what_it_is='
	sh -c "sh -c \"cut -d\\\" \\\" -f41 /proc/self/stat\""
	grep -E "^Sig(Blk|Ign)" /proc/self/status
	ls /proc/self/fd | wc -l
	cat
	ulimit -l
	env | sort | grep -v "^_="'
export WATCHDOG_USEC=5000000 # which is not scxlua's children's, but the command's
ulimit -S -l 8192
bash -c "$what_it_is" <<<input | sed '1s/.*/7/' >"$run/direct"
run_command -- bash -c "$what_it_is" <<<input
unset WATCHDOG_USEC
ulimit -S -l unlimited
ok 'run: class, signals, descriptors, input, limits, environment are those of a plain start' \
	diff "$run/direct" "$run/out"
ok 'run: exit status 0' is "$status" -eq 0
ok 'run: nothing is said' test ! -s "$run/log"

run_command -- sh -c 'for i in 1 2 3 4 5 6; do sh -c "sleep 0.0$i" & done; wait; exit 7'
ok 'run: a command that forks: its exit status' is "$status" -eq 7
ok 'run: it was scheduled by the policy' is "$(num decided)" -gt 6
ok 'run: the report has that status, and kind 64' grep -q '"status": 7' "$run/json"
ok 'run: kind 64' is "$(num kind)" -eq 64
ok 'run: the ledger is exact' ledger
ok 'run: detached' is_disabled
ok 'run: no child is left' no_child

run_command -- sh -c 'kill -KILL $$'
ok 'run: a command that is killed: 128 + 9' is "$status" -eq 137
run_command -- "$run/none"
ok 'run: no such command: 127' is "$status" -eq 127
ok 'run: and why' log_says 'cannot run .*none: No such file or directory'

# ---- run: signals ----

loop='for i in $(seq 300); do sleep 0.1; done # in-the-loop'
command_on -- sh -c "trap 'echo term; exit 5' TERM; echo up; $loop"
kill -TERM "$scx_pid"
ends
ok 'run: SIGTERM goes to the command, whose status it is' is "$status" -eq 5
ok 'run: once' out_is $'up\nterm'

# Ctrl-C: the terminal sends it to both.
cat >"$run/int.sh" <<'END'
trap 'echo caught' INT
echo up
for i in $(seq 10); do sleep 0.1; done
exit 4
END
press_ctrl_c() {
	wait_for 30 grep -qs '^up' "$run/tty"
	printf '\003'
	sleep 3
}
rm -f "$run/tty"
press_ctrl_c | script -qefc "exec build/scxlua run policies/fifo.lua -- sh $run/int.sh" "$run/tty" >/dev/null
status=$?
ok 'run: after Ctrl-C it is the command that decides' is "$status" -eq 4
ok 'run: which gets it once' is "$(grep -c caught "$run/tty")" -eq 1

# ---- run: the scheduler ends first ----

command_on -- sh -c "echo up; sleep 4; exit 6"
echo S >/proc/sysrq-trigger
ok 'run: SysRq-S detaches' wait_for 10 is_disabled
ok 'run: the command goes on' wait_for 5 log_says 'sh \(pid [0-9]+\) goes on without the policy'
ok 'run: nobody answers any more' is "$(build/scxlua status >/dev/null 2>&1; echo $?)" -eq 1
ends
ok 'run: it is waited for' is "$status" -eq 6
ok 'run: the EXIT line says why' log_says '^EXIT: .*(sysrq|SysRq)'

run_command -o builtin_idle=false --timeout-ms 1000 --fault no_drain=1 --fault no_age=1 --fault no_starve=1 -- \
	sh -c 'sleep 0.1; sleep 2; exit 9'
ok 'run: ejected, and the status of the command' is "$status" -eq 9
ok 'run: the report has the kind' is "$(num kind)" -eq 1026
ok 'run: and the kernel its reason' log_says '^EXIT: runnable task stall'

command_on -- sh -c "echo up; $loop"
kill -KILL "$scx_pid"
ends
ok 'run: scxlua is killed, the command is not' command_runs
ok 'run: detached then' wait_for 5 is_disabled
pkill -f in-the-loop
say "$SECONDS s"
finish
