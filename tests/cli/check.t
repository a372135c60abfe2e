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

for file in tests/bad/*.lua; do
	expect=$(sed -n '1s/^-- expect: //p' "$file")
	check "$file"
	result "$file" "${expect%% *}" "${expect#* }"
done

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
