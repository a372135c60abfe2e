# shellcheck shell=bash disable=SC2034,SC2317,SC2154
# corpus/runtime.sh - group R: what happens to scxlua's own processes, and where it is started.

# done_to_it POLICY CMD...: the policy under load, CMD done to it, then $seconds to recover.
done_to_it() {
	local policy=$1
	shift
	under "$policy" -- then_wait "$@"
}
then_wait() {
	"$@"
	sleep "$seconds"
}

title[R01a]='SIGKILL of the worker'
R01a() {
	done_to_it policies/fifo.lua kill_worker
	expect 'one crash, one restart' is "$(num worker_crashes)$(num worker_restarts)" -eq 11
	expect 'it decides again' grep -q 'fifo#2:' "$run/stats"
}
kill_worker() { kill -KILL "$(worker)"; }

title[R01b]='SIGKILL of the supervisor'
R01b() {
	expect 'it starts' start policies/fifo.lua
	kill -KILL "$scx_pid"
	wait "$scx_job" 2>/dev/null
	expect 'disabled within a second' wait_for 1 is_disabled
	expect 'the worker is gone too' wait_for 2 no_worker
	expect 'it starts again' start policies/fifo.lua
	stop >/dev/null
	expect 'and ends' is "$status$(num kind)" -eq 064
}
is_disabled() { is "$(state)" = disabled; }
no_worker() { [[ -z $(worker) ]]; }

title[R02]='SIGSTOP of the worker for 20 s'
R02() {
	done_to_it policies/vtime.lua stop_worker 20
	expect 'bypass lasted' is "$(num bypassed)" -gt 1000
	expect 'it was not taken for a crash' is "$(num worker_restarts)" -eq 0
	what "bypassed $(num bypassed)"
}
stop_worker() {
	local pid
	pid=$(worker)
	kill -STOP "$pid"
	sleep "$1"
	kill -CONT "$pid"
}
title[R03]='SIGSTOP of both processes for 20 s'
R03() {
	done_to_it policies/vtime.lua stop_both 20
	expect 'bypass lasted' is "$(num bypassed)" -gt 1000
	what "bypassed $(num bypassed)"
}
stop_both() {
	local pid
	pid=$(worker)
	kill -STOP "$pid" "$scx_pid"
	sleep "$1"
	kill -CONT "$pid" "$scx_pid"
}

# crashes SIGNAL...: the worker gets it three times: bypass in the end, with one clear line.
crashes() {
	done_to_it policies/fifo.lua kill_three_times "$1"
	expect 'three crashes' is "$(num worker_crashes)" -eq 3
	expect 'the built-in policy takes over' is "$(num bypassed)" -gt 0
	expect 'it says so, once' is "$(lines 'the built-in policy schedules until the next reload')" -eq 1
	what "$(num worker_crashes) crashes, bypassed $(num bypassed)"
}
kill_three_times() {
	local i pid
	for i in 1 2 3; do
		wait_for 10 a_new_worker "${pid-}"
		pid=$(worker)
		sleep 0.5
		kill "-$1" "$pid"
	done
}
a_new_worker() { [[ -n $(worker) && $(worker) != "$1" ]]; }
title[R04a]='SIGSEGV three times'
R04a() { crashes SEGV; }
title[R04b]='SIGBUS three times'
R04b() { crashes BUS; }
title[R04c]='SIGABRT three times'
R04c() { crashes ABRT; }
title[R04d]='a write through a wild pointer'
R04d() {
	under -o misdeed=wild_pointer policies/misdeeds.lua
	expect 'the crash is counted' is "$(num worker_crashes)" -gt 0
	expect 'the hook is named' logged 'in enqueue'
	what "$(num worker_crashes) crashes"
}

ended_by() {
	expect 'it starts' start policies/fifo.lua
	load_on
	sleep 1
	kill "-$1" "$scx_pid"
	wait "$scx_job"
	status=$?
	load_off
	expect 'exit status 0' is "$status" -eq 0
	expect 'kind 64' is "$(num kind)" -eq 64
	expect 'the EXIT line' logged '^EXIT: '
	expect 'the ledger balances' settled
}
title[R05a]='SIGTERM in the middle of the load'
R05a() { ended_by TERM; }
title[R05b]='SIGINT in the middle of the load'
R05b() { ended_by INT; }

# refuses STATUS PATTERN CMD...: scxlua through CMD exits so, with such a line, and nothing was attached.
refuses() {
	local want=$1 pattern=$2 seq got
	shift 2
	seq=$(enable_seq 2>/dev/null)
	"$@" build/scxlua policies/fifo.lua >/dev/null 2>"$run/log"
	got=$?
	expect "exit status $want" is "$got" -eq "$want"
	expect "a line with $pattern" logged "$pattern"
	expect 'never enabled' is "$(enable_seq 2>/dev/null)" = "$seq"
	what "exit $got"
}
# hidden PATH CMD...: CMD does not see what is below PATH.
hidden() {
	local path=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t tmpfs none "$1" && shift && exec "$@"' sh "$path" "$@"
}
title[R06]='not root'
R06() { refuses 3 'needs root' setpriv --reuid 65534 --regid 65534 --clear-groups; }
title[R07]='root without CAP_BPF'
R07() { refuses 3 'needs root' setpriv --bounding-set -bpf,-sys_admin,-perfmon --inh-caps -all; }
title[R08]='no BTF'
R08() { refuses 4 'no BTF' hidden /sys/kernel/btf; }
title[R09]='a kernel without sched_ext'
R09() { refuses 5 'no sched_ext' hidden /sys/kernel/sched_ext; }
title[R10]='a low RLIMIT_MEMLOCK'
R10() {
	refuses 8 'RLIMIT_MEMLOCK is' setpriv --bounding-set -ipc_lock,-sys_resource \
		--inh-caps -all prlimit --memlock=65536:65536
}

title[R11]='the record ring is full, every 5th time'
R11() {
	under --fault ring_full=5 policies/fifo.lua
	expect 'congested is counted' is "$(num congested)" -gt 0
	what "congested $(num congested)"
}
title[R12]='the decision ring is never drained'
R12() {
	under --fault no_drain=1 policies/fifo.lua
	expect 'all aged out' is "$(num decided)" -eq 0
	what "aged out $(num aged_out), refused $(num outbox_full)"
}

title[R14a]='standard output and error are closed'
R14a() {
	# shellcheck disable=SC2016 # for the inner shell
	wrap=(sh -c 'exec "$@" >&- 2>&-' sh) mute=1
	under policies/fifo.lua
	wrap=() mute=
}
title[R14b]='standard output and error are full'
R14b() {
	# shellcheck disable=SC2016 # for the inner shell
	wrap=(sh -c 'exec "$@" >/dev/full 2>/dev/full' sh) mute=1
	under policies/fifo.lua
	wrap=() mute=
	what "$(num log_dropped) lines dropped"
}
title[R14c]='nobody reads standard output and error'
R14c() {
	# shellcheck disable=SC2016 # for the inner shell
	wrap=(sh -c 'exec "$@" 2>&1 >"$0" 2>"$0"' "$run/stuck") mute=1
	mkfifo "$run/stuck"
	exec 7<>"$run/stuck"
	seconds=8
	under -o misdeed=error_sometimes policies/misdeeds.lua
	exec 7>&-
	rm "$run/stuck"
	wrap=() mute=
	what "$(num log_dropped) lines dropped"
}

title[R16]='MemoryDenyWriteExecute'
R16() { refuses 11 'MemoryDenyWriteExecute' luajit -joff "$tree/tests/cli/no_exec.lua"; }

title[R17]='a second instance'
R17() {
	under policies/fifo.lua -- second_instance
	expect 'the second is refused with status 6' is "$(cat "$run/second.status")" -eq 6
	expect 'it says why' grep -q 'another sched_ext scheduler is attached' "$run/second"
}
second_instance() {
	build/scxlua policies/vtime.lua >/dev/null 2>"$run/second"
	echo $? >"$run/second.status"
	sleep 1
}

title[R20]='the binary is replaced while it runs'
R20() {
	under policies/fifo.lua -- replace_binary
	expect 'the reload worked' is "$(num reloads)" -eq 1
	expect 'no worker lost' is "$(num worker_restarts)" -eq 0
}
replace_binary() {
	cp build/scxlua build/scxlua.new
	mv build/scxlua.new build/scxlua
	kill -HUP "$scx_pid"
	sleep 3
}
title[R21]='the verifier refuses the programs'
R21() {
	local seq
	seq=$(enable_seq)
	build/scxlua --fault unsafe=1 policies/fifo.lua >/dev/null 2>"$run/log"
	status=$?
	expect 'exit status 9' is "$status" -eq 9
	expect 'the reason' logged 'the kernel refused the BPF programs: '
	expect "the end of the verifier's log" logged 'eference'
	expect 'never enabled' is "$(enable_seq)" = "$seq"
	what "exit $status"
}
title[R22]='one decision in ten is lost'
R22() {
	under --fault drop=10 policies/fifo.lua
	expect 'injected' is "$(num injected)" -gt 0
	expect 'their tasks aged out' is "$(num aged_out)" -gt 0
	what "$(num injected) lost, $(num aged_out) aged out"
}
title[R23]='vtimes that starve'
R23() {
	seconds=10
	under policies/starve.lua
	expect 'the guard moved them ahead' is "$(num starved)" -gt 0
	what "starved $(num starved)"
}
title[R24]='every 5th decision names an impossible CPU'
R24() {
	under --fault wrong_cpu=5 policies/chooses_cpu.lua
	expect 'bounced' is "$(num bounced)" -gt 0
	what "bounced $(num bounced)"
}

compaction=/proc/sys/vm/compact_unevictable_allowed
compaction_note=/run/scxlua/compact_unevictable_allowed
compaction_is() { is "$(cat "$compaction")" -eq "$1"; }
title[R25]='compaction leaves locked pages alone while it runs, and only then'
R25() {
	[[ -e $compaction ]] || return
	echo 1 >"$compaction"
	seconds=1
	under policies/fifo.lua -- expect 'off while it runs' compaction_is 0
	expect 'on after SIGINT' compaction_is 1
	expect 'no note is left' test ! -e "$compaction_note"
	expect 'it starts' start policies/fifo.lua
	kill -KILL "$scx_pid"
	wait "$scx_job" 2>/dev/null
	wait_for 5 is_disabled
	expect 'still off after SIGKILL' compaction_is 0
	expect 'noted for root alone' is "$(stat -c %a:%u "$compaction_note")" = 600:0
	expect 'it starts again' start policies/fifo.lua
	expect 'off while it runs again' compaction_is 0
	stop >/dev/null
	expect 'on after the next end' compaction_is 1
	expect 'no note is left then' test ! -e "$compaction_note"
}
