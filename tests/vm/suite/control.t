#!/bin/bash
# Asking and steering a running scxlua, on a real kernel: status, set, reload, statistics, SIGHUP
# storms, files that are not there, second instances, clients that misbehave, the service manager.
# Arguments: the cases to run, all by default.
# shellcheck disable=SC2317 # functions are called by name
top=$PWD
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

control=/run/scxlua/control
stats=/var/run/scx/root/stats
script=$run/steered.lua
verb=$run/verb # output of the last command

# ask STATUS ARG...: runs a command of scxlua; does it end with that status?
ask() {
	local want=$1 got=0
	shift
	build/scxlua "$@" >"$verb" 2>&1 || got=$?
	is "$got" -eq "$want"
}
said() { grep -qE -- "$1" "$verb" || { sed 's/^/# said: /' "$verb" && false; }; }
stat_of() { build/client send "$stats" '{"req":"stats"}' | grep -oE "\"$1\":[0-9]+" | cut -d: -f2; }
stat_is() { is "$(stat_of "$1")" "$2" "$3"; }
status_has() { build/scxlua status --json - | grep -qF -- "$1"; }
# A load that leaves the commands a chance on emulated CPUs.
light_load_on() {
	stress-ng -t 300 --cpu 2 --pipe 1 --temp-path /tmp >/dev/null 2>&1 &
	load_pid=$!
}
fds() { find "/proc/$scx_pid/fd" -type l | wc -l; }

# begin NAME: schedules the script under load; end NAME: what must hold afterwards.
begin() {
	with_slice fifo 5000 >"$script"
	ok "$1: starts" start -o builtin_idle=false "$script"
	light_load_on
	canary_on
}
end() {
	canary_off
	load_off
	ok "$1: still attached" is "$(state)" = enabled
	ok "$1: enable_seq is unchanged" is "$(enable_seq)" -eq "$seq_at_start"
	stop
	check_end "$1"
	say "$1: done at $SECONDS s"
}

# ---- status, statistics, set ----

set_options() {
	ok "set" ask 0 set slice_us=3000
	ok "set: the kernel applies it" wait_for 10 stat_is applied_slice_ns -eq 3000000
	ok "set: out of range is refused" ask 1 set slice_us=99
	ok "set: says what was expected" said 'slice_us: expected 100..100000, got 99'
	ok "set: no such option" ask 1 set slice=1
	ok "set: says which there are" said 'no option "slice" in this policy; .*slice_us'
	ok "set: several, builtin_idle among them" ask 0 set slice_us=4000 builtin_idle=0
	ok "set: builtin_idle is a truth" ask 1 set builtin_idle=maybe
}

slices_agree() {
	local slice_ns
	slice_ns=$(stat_of applied_slice_ns)
	[[ $slice_ns =~ ^(300[1-4]|5000)000$ ]] && status_has "\"slice_us\": \"$((slice_ns / 1000))\""
}

# Clients at once, of which one does not wait for its answer.
set_at_once() {
	local value clients=() client unserved=0
	timeout -s KILL 0.3 build/scxlua set slice_us=5000 >/dev/null 2>&1 &
	for value in 3001 3002 3003 3004; do
		build/scxlua set "slice_us=$value" >/dev/null 2>&1 &
		clients+=($!)
	done
	for client in "${clients[@]}"; do
		wait "$client" || unserved=$((unserved + 1))
	done
	ok "set: four clients at once are served in turn" is "$unserved" -eq 0
	ok "set: the kernel applies one of their slices, which status shows" wait_for 10 slices_agree
}

asked() {
	mkdir /run/scxlua # with what a process that was killed leaves
	build/client notify "$control" 0
	with_slice fifo 5000 >"$script"
	ok "R18 starts over a stale socket, with no directory for statistics" \
		start -o builtin_idle=false "$script"
	ok "R18 the control socket is for root alone" is "$(stat -c %a:%u "$control")" = 600:0
	ok "R18 so is that of the statistics" is "$(stat -c %a:%u "$stats")" = 600:0
	ok "set: builtin_idle, at once" ask 0 set builtin_idle=true
	ok "set: wakeups go to idle CPUs now" wait_for 20 stat_is direct -gt 0
	ok "set: builtin_idle off again" ask 0 set builtin_idle=off
	light_load_on
	canary_on
	ok "status" ask 0 status
	ok "status: says which policy" said '^policy +fifo, .*steered\.lua$'
	ok "status: is active" said '^state +active, started [0-9]+ s ago, pid [0-9]+'
	ok "scx_stats: decisions are counted" wait_for 10 stat_is decided -gt 10
	ok "scx_stats: meta describes them" grep -q '"decided":{"datum":"u64","desc":"decisions applied"}' \
		<(build/client send "$stats" '{"req":"stats_meta","args":{}}')
	timeout 3 build/scxlua --monitor 1 >"$verb" 2>&1
	ok "--monitor prints the live line" said '^fifo#1: queued [0-9]+/s'
	set_options
	set_at_once
	second
	end "asked"
	ok "the sockets are gone" is "$(find "$control" "$stats" 2>/dev/null | wc -l)" -eq 0
}

second() {
	local got=0
	build/scxlua policies/fifo.lua >"$verb" 2>&1 || got=$?
	ok "R17 a second instance refuses" is "$got" -eq 6
	ok "R17 and says why" said 'another sched_ext scheduler is attached'
	ok "R17 the first goes on" status_has '"state": "active"'
}

# ---- reload ----

# refused NAME FILE PATTERN: it is, for that reason, and nothing else changes.
refused() {
	local generation
	generation=$(stat_of generation)
	ok "S29 $1: refused" ask 1 reload "$2"
	ok "S29 $1: says why" said "reload failed: .*$3"
	ok "S29 $1: the old script goes on" is "$(stat_of generation)" -eq "$generation"
}

# rewrite FILE: for 4 s, in place.
rewrite() {
	local end=$((SECONDS + 4))
	while ((SECONDS < end)); do
		with_slice fifo 6000 >"$1"
		with_slice fifo 7000 >"$1"
	done
}

# Read while it is written: it loads, or is refused as empty or as changing, but never cut in two.
rewritten() {
	local rewriter whole=0
	rewrite "$run/busy.lua" &
	rewriter=$!
	sleep 0.2
	for _ in 1 2 3; do
		build/scxlua reload "$run/busy.lua" >"$verb" 2>&1
		if grep -qE 'reloaded|keeps changing|must return a policy table, got nothing' "$verb"; then
			whole=$((whole + 1))
		else
			sed 's/^/# said: /' "$verb"
		fi
	done
	wait "$rewriter"
	ok "S29 rewritten while it is read: whole or refused" is "$whole" -eq 3
}

reloaded() {
	begin "reload"
	ok "reload: set" ask 0 set slice_us=4000
	with_slice fifo 7000 | sed 's/name = "fifo"/name = "second"/' >"$run/second.lua"
	ok "reload of another file" ask 0 reload second.lua
	ok "reload: says how it went" said '^/tmp/run/second.lua: reloaded \(generation 2, hash [0-9a-f]{16}\), ready after [0-9]+ ms; decisions paused for [0-9]+ us$'
	ok "reload: a setting stays set" wait_for 10 stat_is applied_slice_ns -eq 4000000
	ok "reload: status says so" status_has '"path": "/tmp/run/second.lua"'
	echo 'return { name = "third", enqueue = function() end }' >"$run/third.lua"
	ok "reload: a policy without that option" ask 0 reload "$run/third.lua"
	ok "reload: the setting is dropped, and said to be" wait_for 10 \
		grep -q 'slice_us=4000, set at run time, is dropped: no option "slice_us"' "$run/log"
	ok "reload: back" ask 0 reload "$run/second.lua"
	refused "file that is gone" "$run/gone.lua" 'cannot read .*gone.lua: No such file or directory'
	refused "directory" "$run" 'it is a directory'
	: >"$run/empty.lua"
	refused "truncated file" "$run/empty.lua" 'empty\.lua:1: .*got nothing'
	head -n -1 "$run/second.lua" >"$run/half.lua"
	refused "half a file" "$run/half.lua" "half\.lua:[0-9]+: .* near '<eof>'"
	rewritten
	end "reload"
	ok "reload_pause_ns has every reload" is \
		"$(grep -A1 '"reload_pause_ns"' "$run/json" | grep -oE '[0-9]+')" -eq "$(num reloads)"
}

# ---- a new script that decides badly ----

given_up() {
	begin "bad decisions"
	sed 's/dispatch(tasks\[i\], CPU_ANY, slice_ns)/dispatch(tasks[i], 9999, slice_ns)/; s/"fifo"/"wrong"/' \
		policies/fifo.lua >"$run/wrong.lua"
	ok "bad decisions: the script loads" ask 0 reload "$run/wrong.lua"
	ok "bad decisions: it is given up" wait_for 15 status_has '"outcome": "rolled back"'
	ok "bad decisions: said why" grep -qE \
		'decisions in a second were impossible .*back to the last script that proved itself' "$run/log"
	ok "bad decisions: the last good script decides" wait_for 20 status_has '"state": "active"'
	ok "bad decisions: which is the first" status_has '"policy": "fifo"'
	end "bad decisions"
	ok "bad decisions: one rollback" is "$(num rollbacks)" -eq 1
}

# ---- storms ----

# The sender is real-time, or it would have to wait for its turn under load.
storm() {
	local rss_before fds_before
	begin "S28"
	ok "S28 a first reload" ask 0 reload
	rss_before=$(rss_kb "$scx_pid")
	fds_before=$(fds)
	chrt -f 10 build/client storm "$scx_pid" 500
	with_slice fifo 9000 >"$run/last.lua"
	ok "S28 after 500 SIGHUPs it reloads the file asked for last" ask 0 reload "$run/last.lua"
	say "500 SIGHUPs were $(($(stat_of reloads) - 2)) reloads"
	ok "S28 they were few reloads" is "$(stat_of reloads)" -lt 100
	ok "S28 no descriptor leaked" wait_for 5 no_more_fds "$fds_before"
	say "RSS $rss_before KiB before, $(rss_kb "$scx_pid") KiB after"
	ok "S28 no memory leaked" is "$(rss_kb "$scx_pid")" -le $((rss_before * 105 / 100))
	ok "S28 the slice is that of the last file" wait_for 10 stat_is applied_slice_ns -eq 9000000
	end "S28"
	ok "S28 no worker was lost" is "$(($(num worker_crashes) + $(num worker_overruns)))" -eq 0
}
no_more_fds() { is "$(fds)" -le "$1"; }

# ---- clients that misbehave ----

misused() {
	local slow_1 slow_2
	begin "R13"
	build/client slow "$stats" 30 &
	slow_1=$!
	build/client slow "$control" 30 &
	slow_2=$!
	ok "R13 1 MB in a line" is "$(build/client long "$control" 1000000)" = \
		'{"ok":false,"error":"line too long"}'
	build/client flood "$stats" 1000 >"$verb"
	say "1000 connections: $(cat "$verb")"
	ok "R13 each of 1000 connections is answered or refused" \
		said '^answered [0-9]+ refused [0-9]+ none 0$'
	ok "R13 others are served" ask 0 status
	ok "R13 slow readers are dropped and counted" wait_for 12 stat_is clients_dropped -gt 1
	kill "$slow_1" "$slow_2" 2>/dev/null
	wait "$slow_1" "$slow_2" 2>/dev/null
	end "R13"
}

# ---- the service manager, with the capabilities of the unit; output that nobody reads ----

told() { grep -qE "^[0-9]+ $1" "$run/told"; }

# A FIFO that takes no more, held open by a process that does not read.
make_full() {
	mkfifo "$1"
	sleep 120 <>"$1" &
	holder=$!
	timeout 1 yes >"$1"
}

managed() {
	local manager reader caps
	make_full "$run/full"
	caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$top/runtime/scxlua.service" | tr '\n' ' ' |
		sed 's/CAP_/+/g' | tr 'A-Z ' 'a-z,' | sed 's/,$//')
	build/client notify /run/notify 40 >"$run/told" &
	manager=$!
	wait_for 5 test -S /run/notify
	NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=2000000 setpriv --bounding-set "-all,$caps" \
		--inh-caps -all build/scxlua --stats 1 --json "$run/json" policies/vtime.lua \
		>"$run/full" 2>"$run/full" &
	scx_pid=$!
	ok "unit: starts with its capabilities, and READY=1" wait_for 20 told 'READY=1'
	ok "unit: STATUS" wait_for 5 told 'STATUS=vtime#1 schedules'
	sleep 4
	beats=$(grep -c 'WATCHDOG=1' "$run/told")
	ok "R15 the watchdog is fed twice in 2 s ($beats)" is "$beats" -ge 3
	kill -HUP "$scx_pid"
	ok "unit: RELOADING=1" wait_for 5 told 'RELOADING=1 MONOTONIC_USEC=[0-9]+$'
	ok "unit: and READY=1 after it" wait_for 20 ready_twice
	ok "R14 standard output and error are full: it answers all the same" ask 0 status
	kill -STOP "$scx_pid"
	sleep 1
	beats=$(grep -c 'WATCHDOG=1' "$run/told")
	sleep 3
	ok "R15 a main loop that hangs is not fed" is "$(grep -c 'WATCHDOG=1' "$run/told")" -eq "$beats"
	kill -CONT "$scx_pid"
	kill -INT "$scx_pid"
	ok "unit: STOPPING=1, before its last words wait for a reader" wait_for 10 told 'STOPPING=1'
	cat "$run/full" >/dev/null &
	reader=$!
	wait "$scx_pid"
	status=$?
	ok "R14 exit status 0" is "$status" -eq 0
	kill "$manager" "$holder" "$reader" 2>/dev/null
	wait "$manager" "$holder" "$reader" 2>/dev/null
	say "unit: done at $SECONDS s"
}
ready_twice() { is "$(grep -c 'READY=1' "$run/told")" -ge 2; }

(($#)) || set -- asked reloaded given_up storm misused managed
for case; do
	$case
done
finish
