# shellcheck shell=bash
# lib.sh - for tests that run in the VM (tests/vm/suite/*.t): TAP, scxlua under test, load, canaries.
#
# Sourced in the guest, with the tree as working directory. Everything runs from a copy in tmpfs:
# a binary that is paged in over virtiofs while it is the scheduler would test virtiofs. A
# scheduler is attached and detached while the machine is quiet, and the load put on between:
# the emulator is known to crash when code is patched under load (see tests/vm/boot). What is called
# often is of builtins alone: starting a process takes half a second of the emulator under load.
set -u

run=/tmp/run
nr_tests=0
nr_failed=0
scx_pid=  # the supervisor
scx_job=  # what is to be waited for: scx_pid, or what it was started through
wrap=()   # a command to start scxlua through
canary_pid=
load_pid=
load_seconds=600
late_ms=

mkdir -p "$run/build"
cp -r lua policies "$run"/
cp tests/vm/policies/*.lua "$run/policies/"
cp build/scxlua build/canary build/client build/oddities build/measure "$run/build/"
mapfile -t shipped < <(basename -s .lua policies/*.lua)
cd "$run" || exit 1
export TMPDIR=/tmp

say() { printf '# %s\n' "$*"; }
say "on $(uname -r) with $(nproc) CPUs"

# ok NAME CMD...: one test, passed if CMD succeeds.
ok() {
	local name=$1
	shift
	nr_tests=$((nr_tests + 1))
	if "$@"; then
		printf 'ok %d - %s\n' "$nr_tests" "$name"
	else
		nr_failed=$((nr_failed + 1))
		printf 'not ok %d - %s\n' "$nr_tests" "$name"
		say "failed: $*"
	fi
}

finish() {
	printf '1..%d\n' "$nr_tests"
	exit $((nr_failed > 0))
}

# is A OP B, with numbers; an empty A is no number and fails.
is() { [[ -n $1 && -n $3 ]] && test "$1" "$2" "$3"; }

state() { printf '%s\n' "$(</sys/kernel/sched_ext/state)"; }
enable_seq() { printf '%s\n' "$(</sys/kernel/sched_ext/enable_seq)"; }

# sleep SECONDS: reads from what stays silent.
exec {silent}<> <(:)
sleep() { ! read -rt "$1" <&"$silent"; }

# wait_for SECONDS CMD...: until it succeeds.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.1
	done
}

# It says so, or, where its words do not arrive, the kernel does.
schedules() {
	local said
	{ said=$(<"$run/log"); } 2>/dev/null
	[[ $said == *'schedules this machine'* ]] || { [[ ! $said && ${mute-} ]] && is "$(state)" = enabled; }
}

# start ARG...: scxlua with these arguments, until it schedules.
start() {
	rm -f "$run/json" "$run/log"
	"${wrap[@]}" build/scxlua --json "$run/json" --stats 1 "$@" >"$run/stats" 2>"$run/log" &
	scx_job=$!
	wait_for 60 schedules || {
		say "scxlua did not start: $(tail -n 5 "$run/log")"
		return 1
	}
	scx_pid=$(pgrep -o -x scxlua)
	# shellcheck disable=SC2034 # for the suites
	seq_at_start=$(enable_seq)
}

# stop: ends scxlua; its status in $status.
stop() {
	kill -CONT "$scx_pid" 2>/dev/null
	kill -INT "$scx_pid" 2>/dev/null
	wait "$scx_job"
	status=$?
	sed 's/^/# log: /' "$run/log" | head -n 40
}

worker() { pgrep -x scxlua-worker | tail -n 1; }

# num NAME: a counter of the JSON that scxlua wrote at its end, the first of that name.
num() {
	local json
	{ json=$(<"$run/json"); } 2>/dev/null
	[[ $json =~ \"$1\":\ (-?[0-9]+)[^0-9.] ]] && printf '%s\n' "${BASH_REMATCH[1]}"
}

# lines PATTERN: in how many lines of the log it is; logged PATTERN: in any?
lines() {
	local line all nr=0
	mapfile -t all <"$run/log"
	for line in "${all[@]}"; do
		[[ ! $line =~ $1 ]] || nr=$((nr + 1))
	done
	printf '%s\n' "$nr"
}
logged() { is "$(lines "$1")" -gt 0; }
reloads() { lines 'reloaded \(generation'; }

# last_line FILE
last_line() {
	local all
	mapfile -t all <"$1"
	printf '%s\n' "${all[@]: -1}"
}

# with_slice POLICY US: its text, with another default slice.
with_slice() {
	local text
	text=$(<"policies/$1.lua")
	printf '%s\n' "${text/slice_us = \{ 5000/slice_us = \{ $2}"
}

# edit: the text on stdin takes the place of $script as an editor does it, then SIGHUP.
edit() {
	local text
	IFS= read -rd '' text # to the end, which it calls a failure
	printf '%s' "$text" >"$script.new" && mv "$script.new" "$script" && kill -HUP "$scx_pid"
}

rss_kb() {
	[[ $(<"/proc/$1/status") =~ VmRSS:[[:space:]]*([0-9]+) ]] && printf '%s\n' "${BASH_REMATCH[1]}"
}

ledger() {
	local settled
	settled=$(($(num decided) + $(num aged_out) + $(num cancelled) + $(num exited)))
	say "queued $(num queued) = decided $(num decided) + aged_out $(num aged_out) +" \
		"cancelled $(num cancelled) + exited $(num exited); bypassed $(num bypassed)" \
		"starved $(num starved) late $(num late) stale $(num stale) early $(num early)" \
		"page_faults $(num page_faults)"
	is "$(num queued)" -gt 0 && is "$(num queued)" -eq "$settled"
}

# The mixed load: hogs, forks, switches, timers, yields, pipes, until load_off or for $load_seconds.
load_on() {
	stress-ng -t "$load_seconds" --cpu 3 --fork 1 --switch 1 --timer 1 --yield 1 --pipe 1 \
		--temp-path /tmp >/dev/null 2>&1 &
	load_pid=$!
}

load_off() {
	kill -INT "$load_pid" 2>/dev/null
	wait "$load_pid" 2>/dev/null
}

canary_on() {
	build/canary 4 >"$run/late" &
	canary_pid=$!
}

# The worst lateness in ms goes to $late_ms.
canary_off() {
	kill -TERM "$canary_pid" 2>/dev/null
	wait "$canary_pid" 2>/dev/null
	late_ms=$(tail -n 1 "$run/late")
	say "worst canary: $late_ms ms late"
}

# What holds after every run that ended as it should.
check_end() {
	ok "$1: exit status 0, kind 64" is "$status$(num kind)" -eq 064
	ok "$1: the ledger is exact" ledger
	ok "$1: no canary was late by more than 1 s" is "$late_ms" -le 1000
}
