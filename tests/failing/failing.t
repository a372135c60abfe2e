#!/bin/bash
# When memory or descriptors run out during a start: each call of tests/failing/failing.c that a
# start makes fails once, in a run of its own. Whatever it was, scxlua must end with one of its exit
# statuses and say why, or carry on; never by a signal, never in silence, never for ever (TAP).
#
#   tests/failing/failing.t check [STEP [LAST]]   `scxlua check`, without root: one test per call
#   tests/failing/failing.t start [STEP [LAST]]   the scheduler itself, in the VM; it is ended when
#                                                 it starts all the same
# Every STEPth call (default 1) up to the LASTth (default: all). A build with ASan or TSan has the
# allocator's place already: the suite is skipped there.
set -uo pipefail
what=$1 step=${2:-1} last=${3:-100000}
build=${B:-build} scxlua=${SCXLUA:-${B:-build}/scxlua}
export SCXLUA_LIBDIR=${SCXLUA_LIBDIR:-$PWD/lua}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

# attempt N: one run; its status in $status, its words in $dir/log.
attempt() {
	local preload=(env FAILED="$dir/failed" FAILING="$1" LD_PRELOAD="$PWD/$build/failing.so")
	rm -f "$dir/failed"
	if [[ $what == check ]]; then
		timeout -k 1 30 "${preload[@]}" "$scxlua" check policies/fifo.lua >"$dir/log" 2>&1
	else
		timeout -k 1 -s INT 6 "${preload[@]}" "$scxlua" policies/fifo.lua >"$dir/log" 2>&1
	fi
	status=$?
	[[ $what != start || $status -ne 124 ]] || status=0 # it started, and was ended
}

if [[ $build == */address || $build == */thread ]]; then
	echo "1..0 # SKIP the sanitizer takes the place of the allocator"
	exit 0
fi

sound() { ((status <= 10)) && { ((status == 0)) || [[ -s $dir/log ]]; }; }

for ((i = step; i <= last; i += step)); do
	attempt "$i"
	[[ -s $dir/failed ]] || break
	if sound; then
		echo "ok $((++n)) - call $i, $(head -n 1 "$dir/failed"): status $status"
	else
		echo "not ok $((++n)) - call $i, $(head -n 1 "$dir/failed"): status $status"
		sed 's/^/# /' "$dir/log"
	fi
done
echo "1..$n"
