#!/bin/bash
# The commands that ask a running scxlua (TAP), without one and with a made-up one: what is printed
# where, and the exit status.
#
#   tests/cli/control.t        $SCXLUA names the binary (default build/scxlua), $B the build
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
scxlua=$(realpath "${SCXLUA:-build/scxlua}")
fake=${B:-build}/fake
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export SCXLUA_RUNDIR=$dir/run
socket=$SCXLUA_RUNDIR/control
n=0

# run [ARG]...: leaves $dir/out, $dir/err and status.
run() {
	status=0
	timeout 20 "$scxlua" "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
}

# prints WHAT STATUS OUT ERR: that is how the last one ended.
prints() {
	if [[ $status == "$2" && $(cat "$dir/out") == "$3" && $(cat "$dir/err") == "$4" ]]; then
		echo "ok $((++n)) - $1"
	else
		echo "not ok $((++n)) - $1"
		echo "# exit status $status, printed:"
		sed 's/^/#   /' "$dir/out" "$dir/err"
	fi
}

# start_fake [MODE]: until it listens.
start_fake() {
	local ready
	coproc FAKE { exec "$fake" "$socket" "$@"; } 2>/dev/null
	fake_pid=$!
	read -r ready <&"${FAKE[0]}"
	[[ $ready == ready ]] || echo "# the made-up scxlua did not start"
}

# Ends with its standard input.
stop_fake() {
	local fd=${FAKE[1]}
	exec {fd}>&-
	wait "$fake_pid"
}

# ---- nobody there ----

nobody="scxlua: no scxlua is running ($socket: No such file or directory)"
for verb in status reload 'reload x.lua' 'set k=v' top; do
	# shellcheck disable=SC2086 # two words
	run $verb
	prints "$verb, and nobody there" 1 '' "$nobody"
done
mkdir "$SCXLUA_RUNDIR"
# What a process that was killed leaves.
start_fake
{
	kill -KILL "$fake_pid"
	wait "$fake_pid"
} 2>/dev/null # where the shell says Killed
run status
prints 'status, and a stale socket' 1 '' \
	"scxlua: no scxlua is running ($socket: Connection refused)"

# ---- wrong arguments ----

run status x
prints 'status takes no operand' 2 '' 'scxlua: status: x is too many'
run top x
prints 'top takes no operand' 2 '' 'scxlua: top: x is too many'
run reload a.lua b.lua
prints 'reload takes one file' 2 '' 'scxlua: reload: b.lua is too many'
run set
prints 'set wants a pair' 2 '' 'scxlua: set: expected KEY=VALUE...'
for pair in novalue =value; do
	run set a=1 $pair
	prints "set refuses $pair" 2 '' "scxlua: set: expected KEY=VALUE, got $pair"
done
run --monitor 1 a.lua
prints '--monitor runs no policy' 2 '' 'scxlua: --monitor runs no policy: a.lua is too many'
run status --json file
prints 'status prints its JSON' 2 '' 'scxlua: status: --json: expected -, got file'

# ---- somebody there ----

start_fake # over the stale socket
run status
prints 'status' 0 'policy       made_up, /made/up.lua
script       generation 1, hash 00000000000000aa
state        active, started 2 h ago, pid 42, version 0
set          slice_us=3000' ''
run set slice_us=2000
prints 'set' 0 'slice_us=2000' ''
run set slice_us=2000 slice_us=x other=1 slice_us=4000
prints 'set, some of them wrong' 1 'slice_us=2000
slice_us=4000' 'scxlua: slice_us: expected 100..100000, got "x"
scxlua: no option "other" in this policy'
run reload broken.lua
prints 'reload of a broken file' 1 '' \
	"scxlua: reload failed: broken.lua:2: unexpected symbol near 'n'"
run reload
prints 'reload' 0 '/made/up.lua: reloaded (generation 2, hash 00000000000000ff), ready after 350 ms; decisions paused for 120 us' ''
cd "$dir" || exit 1
run reload x.lua
prints 'reload of a file says where it is' 0 "$dir/x.lua: reloaded (generation 3, hash 00000000000000ff), ready after 350 ms; decisions paused for 120 us" ''
cd "$OLDPWD" || exit 1
run status
prints 'status after a reload' 0 "policy       made_up, /made/up.lua
script       generation 3, hash 00000000000000aa, on trial
state        active, started 2 h ago, pid 42, version 0
last error   up.lua:1: enqueue(): no
last reload  ok, 61 s ago, $dir/x.lua: ready after 350 ms, decisions paused for 120 us
set          slice_us=3000" ''
run status --json -
if [[ $status == 0 ]] && grep -q '^  "generation": 3,$' "$dir/out"; then
	echo "ok $((++n)) - status as JSON"
else
	echo "not ok $((++n)) - status as JSON"
fi
timeout 3 "$scxlua" top >"$dir/out" 2>"$dir/err"
status=$?
sed -i 3,\$d "$dir/out" # a third, if the machine was slow to start it
prints 'top prints a line a second' 124 'made_up#1: line 2
made_up#1: line 3' ''

# It ends while it is asked.
timeout 10 "$scxlua" top >"$dir/out" 2>"$dir/err" &
top=$!
sleep 0.5
stop_fake
wait $top
status=$?
sed -i 's/line [0-9]*$/line N/' "$dir/out"
prints 'top ends with what it shows' 0 'made_up#1: line N' 'scxlua: scxlua has ended, or does not answer'

# --monitor waits for one that comes later.
timeout 5 "$scxlua" --monitor 1 >"$dir/out" 2>"$dir/err" &
monitor=$!
sleep 0.5
start_fake
wait $monitor
status=$?
if grep -q 'made_up#1: line 2' "$dir/out" &&
	[[ $(cat "$dir/err") == "scxlua: no scxlua is running yet ($socket): waiting" ]]; then
	echo "ok $((++n)) - --monitor waits"
else
	echo "not ok $((++n)) - --monitor waits"
	sed 's/^/# /' "$dir/out" "$dir/err"
fi
stop_fake

# ---- somebody else there ----

start_fake garbage
run status
prints 'an answer that is none' 1 '' "scxlua: scxlua did not answer ($socket): Protocol error"
stop_fake
start_fake mute
run reload
prints 'no answer' 1 '' \
	"scxlua: reload failed: scxlua did not answer ($socket): Connection reset by peer"
stop_fake

# ---- standard files that are closed, or full ----

"$scxlua" --version >&- 2>&- <&-
status=$?
: >"$dir/out"
: >"$dir/err"
prints 'all standard files closed' 0 '' ''
start_fake
"$scxlua" status >/dev/full 2>"$dir/err"
status=$?
: >"$dir/out"
prints 'nowhere to print to' 1 '' \
	'scxlua: cannot write to standard output: No space left on device'
stop_fake

echo "1..$n"
