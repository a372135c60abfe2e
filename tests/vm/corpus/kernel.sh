# shellcheck shell=bash disable=SC2034,SC2317,SC2154
# corpus/kernel.sh - group K: what tasks and the machine do.

# meanwhile POLICY ARG... -- CMD...: the policy under load while CMD is done, for $seconds.
meanwhile() {
	under "$@"
	what "decided $(num decided)"
}

# storm ARG...: stress-ng for $seconds, whatever it says about itself.
storm() {
	stress-ng -t "$seconds" --temp-path /tmp "$@" >/dev/null 2>&1
	pkill -KILL stress-ng-
}

title[K01]='threads that end between enqueue and decision'
K01() {
	meanwhile policies/vtime.lua -- storm --fork 4 --vfork 4 --exec 2
	expect 'threads ended' is "$(num threads_gone)" -gt 500
	what "$(num threads_gone) threads ended, $(num gone) decisions came too late, $(num exited) ended undecided"
}
title[K02]='pids are used again at once'
K02() {
	local max
	max=$(cat /proc/sys/kernel/pid_max)
	meanwhile policies/vtime.lua -- small_pid_space storm --fork 4 --vfork 4
	echo "$max" >/proc/sys/kernel/pid_max
	expect 'threads ended' is "$(num threads_gone)" -gt 500
	what "$(num threads_gone) threads with 700 pids, $(num gone) decisions for one that was gone"
}
small_pid_space() {
	echo 700 >/proc/sys/kernel/pid_max
	"$@"
}
title[K03]='exec from a thread that is not the leader'
K03() {
	meanwhile policies/vtime.lua -- timeout -s KILL "$seconds" build/oddities exec-from-thread
	what "$(num threads_gone) threads ended"
}
title[K04]='affinity storm'
K04() {
	meanwhile policies/vtime.lua -- storm --affinity 4 --affinity-rand --affinity-delay 0
	expect 'cancelled is counted' is "$(num cancelled)" -gt 0
	what "cancelled $(num cancelled), bounced $(num bounced), stale $(num stale)"
}
title[K05]='tasks preempted with migration disabled'
K05() { meanwhile policies/fifo.lua -- timeout -s KILL "$seconds" build/oddities migrate-disable; }
title[K06]='renice storm'
K06() { meanwhile policies/vtime.lua -- timeout -s KILL "$seconds" build/oddities renice; }
title[K07]='classes change: other, batch, idle, ext, fifo, rr'
K07() {
	meanwhile policies/vtime.lua -- timeout -s KILL "$seconds" build/oddities classes
	expect 'decided' is "$(num decided)" -gt 100
}
title[K08]='cgroups: move, destroy, freeze, cpu.max'
K08() { meanwhile policies/vtime.lua -- cgroup_storm; }
cgroup_storm() {
	local i dir pid deadline=$((SECONDS + seconds))
	echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
	for ((i = 0; SECONDS < deadline; i++)); do
		dir=/sys/fs/cgroup/storm-$i
		mkdir "$dir"
		pid=$(pgrep stress-ng | shuf -n 1)
		echo "$pid" >"$dir/cgroup.procs"
		echo $((1 + i * 997 % 10000)) >"$dir/cpu.weight"
		echo '5000 10000' >"$dir/cpu.max"
		echo 1 >"$dir/cgroup.freeze"
		echo 0 >"$dir/cgroup.freeze"
		echo "$pid" >/sys/fs/cgroup/cgroup.procs
		rmdir "$dir"
	done 2>/dev/null
	echo "$i" >"$run/cgroups"
}
title[K09]='a cpuset shrinks to one CPU and grows'
K09() {
	(($(nproc) > 1)) || { cannot 'it needs two CPUs' && return; }
	meanwhile policies/vtime.lua -- cpuset_storm
}
cpuset_storm() {
	local i dir=/sys/fs/cgroup/shrink pid
	echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
	mkdir -p "$dir"
	for pid in $(pgrep stress-ng); do
		echo "$pid" >"$dir/cgroup.procs"
	done 2>/dev/null
	for ((i = 0; i < seconds * 4; i++)); do
		echo $((i % 2)) >"$dir/cpuset.cpus"
		sleep 0.12
		echo "0-$(($(nproc) - 1))" >"$dir/cpuset.cpus"
		sleep 0.12
	done
	while read -r pid; do
		echo "$pid" >/sys/fs/cgroup/cgroup.procs
	done <"$dir/cgroup.procs" 2>/dev/null
	rmdir "$dir"
}
title[K10]='a CPU goes and comes 20 times'
K10() {
	(($(nproc) > 1)) || { cannot 'it needs two CPUs' && return; }
	meanwhile policies/vtime.lua -- hotplug_storm 20
	expect 'in place, without a restart' is "$(num kernel_restarts)" -eq 0
}
hotplug_storm() {
	local i
	for ((i = 0; i < $1; i++)); do
		echo 0 >/sys/devices/system/cpu/cpu1/online
		sleep 0.2
		echo 1 >/sys/devices/system/cpu/cpu1/online
		sleep 0.2
	done
}
title[K11]='hotplug while it starts'
K11() {
	local i
	(($(nproc) > 1)) || return
	for i in 1 2; do
		storm_on 30
		seconds=1
		under policies/fifo.lua
		sed 's/^/# log: /' "$run/log"
		storm_off
		what "$(num kernel_restarts) restarts"
	done
	interrupted_anew
	command_waits
}
storm_on() {
	hotplug_storm "$1" &
	storm_pid=$!
}
storm_off() {
	kill "$storm_pid" 2>/dev/null
	wait "$storm_pid" 2>/dev/null
	echo 1 >/sys/devices/system/cpu/cpu1/online 2>/dev/null
}
asks_anew() { logged 'asks to be attached anew .*: attempt [0-9]+ of 10'; }
# Told to end before it is attached again: what the attachment before has to say is not lost.
interrupted_anew() {
	rm -f "$run/json" "$run/log"
	storm_on 100
	build/scxlua --json "$run/json" policies/fifo.lua >/dev/null 2>"$run/log" &
	scx_pid=$! scx_job=$!
	expect 'the kernel refuses it' wait_for 20 asks_anew
	stop >/dev/null
	storm_off
	expect 'interrupted: exit status 0' is "$status" -eq 0
	expect 'interrupted: a report' test -s "$run/json"
	expect 'interrupted: restarts are counted' is "$(num kernel_restarts)" -ge 1
	expect 'interrupted: the EXIT line, once' is "$(lines '^EXIT: ')" -eq 1
	what "interrupted: kind $(num kind)"
}
# The command of `scxlua run` is started once, when the policy schedules at last.
command_waits() {
	rm -f "$run/log" "$run/out"
	storm_on 10
	build/scxlua run policies/fifo.lua -- sh -c 'echo once; exit 3' >"$run/out" 2>"$run/log"
	status=$?
	storm_off
	expect 'the status of the command' is "$status" -eq 3
	expect 'it was started once' is "$(cat "$run/out")" = once
	what "run: $(lines 'asks to be attached anew') restarts"
}
title[K12]='suspend to idle'
K12() {
	if [[ ! -w /sys/power/pm_test && $(stat -f -c %T /) == *fuse* ]]; then
		cannot 'the root is on virtio-fs, which does not come back from a suspend'
		return
	fi
	meanwhile policies/fifo.lua -- suspend
	what "$(cat "$run/suspended")"
}
suspend() {
	if [[ -w /sys/power/pm_test ]]; then
		echo freezer >/sys/power/pm_test
		echo freeze >/sys/power/state
		echo 'frozen and thawed' >"$run/suspended"
	else
		rtcwake -m freeze -s 2 >/dev/null 2>&1
		echo "rtcwake: status $?" >"$run/suspended"
	fi
	sleep 2
}
title[K13]='kernel threads never reach the policy'
K13() {
	meanwhile policies/watches_kthreads.lua -- storm --vm 2 --vm-bytes 30% --io 2 --hdd 1 --hdd-bytes 32m
	expect 'kernel threads ran' is "$(num direct_kernel)" -gt 0
	expect 'none came to the policy' grep -q '"kthreads": 0.0' "$run/json"
	what "$(num direct_kernel) times past the policy"
}
# Real-time comes before sched_ext: the canaries wait for the hogs, but not after them.
title[K14]='real-time hogs on every CPU for 3 s'
K14() {
	seconds=3
	under policies/fifo.lua -- rt_hogs
	what "decided $(num decided)"
}
rt_hogs() {
	local i
	for ((i = 0; i < $(nproc); i++)); do
		timeout -s KILL "$seconds" chrt -f 50 taskset -c "$i" sh -c 'while :; do :; done' &
	done
	sleep "$((seconds + 1))"
	kill -USR1 "$canary_pid" # what they waited until now is the hogs' doing
	sleep 1
}
title[K15]='fork bomb against pids.max, and thousands of threads'
K15() {
	seconds=8
	meanwhile policies/vtime.lua -- bomb
	expect 'thousands of threads came' is "$(num threads_gone)" -gt 1000
	what "$(num threads_gone) threads ended, congested $(num congested), table full $(num table_full)"
}
bomb() {
	local dir=/sys/fs/cgroup/bomb
	echo +pids >/sys/fs/cgroup/cgroup.subtree_control
	mkdir -p "$dir"
	echo 600 >"$dir/pids.max"
	(
		echo "$BASHPID" >"$dir/cgroup.procs"
		storm --fork 8 --fork-max 64 --pthread 2 --pthread-max 512
	)
	while read -r pid; do
		kill -KILL "$pid"
	done <"$dir/cgroup.procs" 2>/dev/null
	wait_for 5 rmdir "$dir"
}
title[K16]='SIGSTOP, SIGCONT, ptrace, freezer'
K16() { meanwhile policies/vtime.lua -- stop_storm; }
stop_storm() {
	local i
	storm --ptrace 1 &
	for ((i = 0; i < seconds * 5; i++)); do
		pkill -STOP stress-ng-
		sleep 0.05
		pkill -CONT stress-ng-
		sleep 0.1
	done
	wait $!
}
title[K17]='memory pressure: reclaim, compaction, KSM'
K17() { meanwhile policies/vtime.lua -- squeeze; }
squeeze() {
	local i
	trace_faults "$(worker)"
	echo 1 >/sys/kernel/mm/ksm/run 2>/dev/null
	storm --vm 2 --vm-bytes 70% --vm-populate &
	for ((i = 0; i < seconds * 2; i++)); do
		echo 1 >/proc/sys/vm/compact_memory 2>/dev/null
		echo 3 >/proc/sys/vm/drop_caches
		sleep 0.5
	done
	wait $!
	say_faults "$(worker)"
}
# trace_faults PID, then say_faults PID: which page faults it took, and in what mapping.
trace_faults() {
	local events=/sys/kernel/tracing/events/exceptions
	echo >/sys/kernel/tracing/trace
	echo "common_pid == $1" | tee "$events/page_fault_user/filter" >"$events/page_fault_kernel/filter"
	echo 1 >"$events/enable"
}
say_faults() {
	local line address from to rest
	echo 0 >/sys/kernel/tracing/events/exceptions/enable
	while read -r line; do
		say "page fault: $line"
		address=$(grep -oE 'address=0x[0-9a-f]+' <<<"$line")
		while IFS='- ' read -r from to rest; do
			((0x$from <= ${address#*=} && ${address#*=} < 0x$to)) && say "  in $from-$to $rest"
		done <"/proc/$1/maps"
	done < <(grep page_fault_ /sys/kernel/tracing/trace)
}
title[K18]='SysRq-S'
K18() {
	expect 'it starts' start policies/fifo.lua
	sleep 1
	echo S >/proc/sysrq-trigger
	expect 'it ends by itself' wait_for 10 no_supervisor
	wait "$scx_pid"
	status=$?
	expect 'exit status 0' is "$status" -eq 0
	expect 'kind 67' is "$(num kind)" -eq 67
	expect 'the EXIT line says so' logged 'EXIT: .*sysrq'
	what "kind $(num kind)"
}
no_supervisor() { ! kill -0 "$scx_pid" 2>/dev/null || grep -q ') Z ' "/proc/$scx_pid/stat"; }
title[K19]='SysRq-D'
K19() {
	under policies/fifo.lua -- sysrq_dump
	expect 'the dump names the policy' grep -q 'scxlua: policy=fifo' "$run/dump"
}
# The kernel writes this dump to a tracepoint alone.
sysrq_dump() {
	echo 1 >/sys/kernel/tracing/events/sched_ext/sched_ext_dump/enable
	timeout 3 cat /sys/kernel/tracing/trace_pipe >"$run/dump" 2>/dev/null &
	sleep 0.5
	echo D >/proc/sysrq-trigger
	wait $!
	echo 0 >/sys/kernel/tracing/events/sched_ext/sched_ext_dump/enable
}
title[K20]='another scheduler tries to attach'
K20() {
	under policies/fifo.lua -- second_scheduler
	expect 'the second is refused' is "$(cat "$run/second.status")" -ne 0
	what "second: exit $(cat "$run/second.status")"
}
second_scheduler() {
	build/scxlua policies/vtime.lua >/dev/null 2>"$run/second"
	echo $? >"$run/second.status"
	sleep 1
}
title[K21]='started in a PID namespace'
K21() {
	wrap=(unshare --pid --fork --kill-child)
	meanwhile policies/vtime.lua -- sleep "$seconds"
	wrap=()
	expect 'the worker was given turns' is "$(num worker_runs)" -gt 100
}
title[K22]='an idle machine, then a burst'
K22() {
	expect 'it starts' start policies/fifo.lua
	sleep 20
	canary_on
	storm --cpu 8
	canary_off >/dev/null
	expect 'sched_ext is enabled' is "$(state)" = enabled
	stop >/dev/null
	expect 'exit status 0 and kind 64' is "$status$(num kind)" -eq 064
	expect 'no canary late by more than 1 s' is "$late_ms" -le 1000
	what "canary $late_ms ms"
}
title[K23]='yield and futex storms'
K23() { meanwhile policies/vtime.lua -- storm --yield 4 --futex 4 --switch 2; }
title[K24]='the wall clock jumps'
K24() { meanwhile policies/vtime.lua -- clock_jumps; }
clock_jumps() {
	local now i
	now=$(date +%s)
	for ((i = 0; i < seconds; i++)); do
		date -s "@$((now + (i % 2 ? 1 : -1) * 86400 * 400))" >/dev/null
		sleep 0.5
	done
	date -s "@$((now + seconds / 2))" >/dev/null
}
title[K25]='attached and detached 20 times'
K25() {
	local i before during after
	before=$(bpf_objects)
	for ((i = 0; i < 20; i++)); do
		expect "it starts ($i)" start policies/fifo.lua
		((i)) || during=$(bpf_objects)
		stop >/dev/null
		expect "it ends ($i)" is "$status$(num kind)" -eq 064
	done
	after=$(bpf_objects)
	expect 'it has BPF objects' is "$during" -gt "$before"
	expect 'no BPF object is left' is "$after" -le "$before"
	what "$before BPF objects before, $during during, $after after"
}
bpf_objects() {
	sleep 0.5
	{
		bpftool prog list
		bpftool map list
		bpftool link list
	} 2>/dev/null | grep -c '^[0-9]'
}
