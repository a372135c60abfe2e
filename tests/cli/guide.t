#!/bin/bash
# The guide and its policies (TAP): each block of Lua in policies/GUIDE.md is a file of
# policies/guide, word for word, and passes `scxlua check`; no file is missing in the guide.
#
#   tests/cli/guide.t         $SCXLUA names the binary (default build/scxlua)
# shellcheck disable=SC2016 # backticks of Markdown
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
scxlua=${SCXLUA:-build/scxlua}
export SCXLUA_LIBDIR=${SCXLUA_LIBDIR:-$PWD/lua}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

# result WHAT: the status of the command before; $dir/said is what it has to say about a failure.
result() {
	local status=$?
	if ((status == 0)); then
		echo "ok $((++n)) - $1"
	else
		echo "not ok $((++n)) - $1"
		sed 's/^/# /' "$dir/said"
	fi
}

# The blocks as $dir/1.lua, $dir/2.lua, ...
awk -v dir="$dir" '
	/^```lua$/ { out = dir "/" ++nr ".lua"; next }
	/^```$/ { out = ""; next }
	out { print > out }' policies/GUIDE.md

blocks=0
for block in "$dir"/[0-9].lua; do
	((blocks++))
	name=$(sed -n '1s/^-- \([0-9a-z-]*\.lua\) - .*/\1/p' "$block")
	# The file has the licence and an empty comment before that line.
	sed '1,2d' "policies/guide/$name" 2>&1 | diff -U0 --label GUIDE.md --label "guide/$name" \
		"$block" - >"$dir/said"
	result "step $name of the guide is policies/guide/$name"
	"$scxlua" check "$block" >"$dir/said" 2>&1
	result "step $name passes the check"
done

ls policies/guide/*.lua >"$dir/said"
(($(wc -l <"$dir/said") == blocks && blocks > 3))
result 'every file of policies/guide is in the guide'

grep -oE 'POLICY=[^ `]+|check [^ `]+\.lua' policies/GUIDE.md | sed 's/.*[= ]//' | sort -u |
	while read -r policy; do
		[[ -f $policy ]] || echo "no such file: $policy"
	done >"$dir/said"
[[ ! -s $dir/said ]]
result 'the commands name policies that exist'

echo "1..$n"
