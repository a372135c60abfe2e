#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# check.t - `scxlua check` over the shipped policies, which must be clean, and over tests/bad,
# where the first line of each file says which exit status and which text to expect:
#
#   -- expect: 2 unknown key "enque" in the policy table
#
# SCXLUA is the program (default: build/scxlua of this tree).

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
: "${SCXLUA:=$top/build/scxlua}"
: "${SCXLUA_LIBDIR:=$top/lua}"
export SCXLUA_LIBDIR
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$top" || exit 1

nr=0
failed=0

# result NAME STATUS TEXT: what the last check must have given.
result() {
	nr=$((nr + 1))
	if [ "$status" = "$2" ] && grep -qF -- "$3" "$tmp/out"; then
		echo "ok $nr - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $nr - $1"
	echo "# expected status $2 and: $3"
	echo "# got status $status and:"
	sed 's/^/#   /' "$tmp/out"
}

# check ARGUMENT...: runs it, leaves status and $tmp/out.
check() {
	"$SCXLUA" check "$@" >"$tmp/out" 2>&1
	status=$?
}

for file in policies/*.lua; do
	check "$file"
	result "$file is clean" 0 "$file: ok"
	check --json - "$file"
	result "$file as JSON" 0 '"problems":[]'
done

check tests/lua/data/steal.lua
result "stealing with scx.percpu() and scx.ring() compiles and costs no memory" 0 "steal.lua: ok"

for file in tests/bad/*.lua; do
	case $SCXLUA:$file in
	*/address/*:*/calls_* | */thread/*:*/calls_*)
		nr=$((nr + 1))
		echo "ok $nr - $file # SKIP no sandbox in a build with a sanitizer"
		continue
		;;
	esac
	expect=$(sed -n '1s/^-- expect: //p' "$file")
	check "$file"
	result "$file" "${expect%% *}" "${expect#* }"
done

# The benchmark of what calls cost is a policy too, and all of these calls are compiled.
for cases in plain call queue; do
	check -o "cases=$cases" tests/bench/calls.lua
	result "calls of the library: $cases" 0 "tests/bench/calls.lua: ok"
done

check --json - tests/bad/stale_affinity.lua
result "a problem as JSON" 1 \
	'"hook":"dispatch","line":17,"text":"tests/bad/stale_affinity.lua:17: dispatch(): named a CPU'
result "the workloads it came up in" 1 '"workloads":["affinity"]'
check --json "$tmp/json" tests/bad/syntax.lua
cat "$tmp/json" >>"$tmp/out"
result "JSON of what cannot be used, in a file" 2 '"kind":"unusable","count":1,"hook":"","line":5'
check --json /nowhere/json policies/fifo.lua
result "a file that cannot be written" 1 "scxlua: cannot write /nowhere/json"
check tests/bad/bad_cpu.lua
result "what came up everywhere names no workload" 1 "named an impossible cpu ("
check tests/bad/two_problems.lua
result "each problem is told" 1 "two_problems.lua:7: enqueue(): gave an impossible vtime"
result "and counted" 1 "two_problems.lua: 2 problems"
check tests/bad/logs.lua
result "what a script logs at load is shown once" 1 "logs: hello"
[ "$(grep -c hello "$tmp/out")" = 1 ] || status=repeated
result "and not again" 1 "logs: hello"

fifo=policies/fifo.lua
check -o slice_us=3000 $fifo
result "-o sets an option" 0 "ok"
check -o slice_us=-5 $fifo
result "-o out of range" 2 "slice_us: expected 100..100000, got -5"
check -o slice_us=fast $fifo
result "-o with a word for a number" 2 'slice_us: expected 100..100000, got "fast"'
check -o slize_us=1 $fifo
result "-o of an unknown key" 2 \
	'no option "slize_us" in this policy; did you mean "slice_us"?; it has: slice_us, builtin_idle'
check -o builtin_idle=false $fifo
result "-o builtin_idle is an option of every policy" 0 "ok"
check -o builtin_idle=maybe $fifo
result "-o builtin_idle wants a boolean" 2 'builtin_idle: expected true or false, got "maybe"'

check "$tmp/none.lua"
result "missing file" 2 "cannot read $tmp/none.lua: No such file or directory"
check "$tmp"
result "directory" 2 "cannot read $tmp: it is a directory, not a file"
printf '\033LJ\002\012\000' >"$tmp/code.lua"
check "$tmp/code.lua"
result "bytecode" 2 "code.lua is LuaJIT bytecode: a policy is loaded as text only"
: >"$tmp/empty.lua"
check "$tmp/empty.lua"
result "empty file" 2 "the script must return a policy table, got nothing"
mkfifo "$tmp/pipe.lua"
check "$tmp/pipe.lua"
result "a pipe is not waited for" 2 "it is a device or pipe, not a file"

echo "1..$nr"
[ "$failed" -eq 0 ]
