#!/bin/bash
# The manual pages (TAP): runtime/scxlua.8 against `scxlua --help`, and both through the formatters
# that are here (groff, mandoc), which must find nothing to complain about.
#
#   tests/cli/man.t         $SCXLUA names the binary (default build/scxlua)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
scxlua=${SCXLUA:-build/scxlua}
page=runtime/scxlua.8
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

# same WHAT: $dir/page and $dir/help have the same lines, in whatever order, and at least one.
same() {
	sort -o "$dir/page" "$dir/page"
	sort -o "$dir/help" "$dir/help"
	if [[ -s $dir/help ]] && diff -U0 --label "$page" --label --help "$dir/page" "$dir/help" >"$dir/diff"; then
		echo "ok $((++n)) - $1"
	else
		echo "not ok $((++n)) - $1"
		sed 's/^/# /' "$dir/diff"
	fi
}

# silent WHAT PROGRAM [ARG]...: one test; the program has nothing to say. A skip if it is not here.
silent() {
	local what=$1
	shift
	if ! type -P "$1" >/dev/null; then
		echo "ok $((++n)) - $what # SKIP no $1"
	elif "$@" >"$dir/said" 2>&1 && [[ ! -s $dir/said ]]; then
		echo "ok $((++n)) - $what"
	else
		echo "not ok $((++n)) - $what"
		sed 's/^/# /' "$dir/said"
	fi
}

# section NAME: its lines of the page.
section() {
	awk -v head=".Sh $1" '/^\.Sh / { on = $0 == head; next } on' "$page"
}

"$scxlua" --help >"$dir/all"

# Both as: LETTER NAME ARGUMENT (MIN..MAX[, default N]), - for what is not there.
sed -n 's/^  \(-.\|  \)[, ] --\(.*\)/\1 \2/p' "$dir/all" | sed 's/^   */- /' | awk '{
	range = match($0, /\([0-9]+\.\.[0-9]+(, default [0-9]+)?\)$/) ? substr($0, RSTART) : "-"
	print $1, $2, ($3 ~ /^[A-Z]+(=[A-Z]+)?$/ ? $3 : "-"), range }' >"$dir/help"
section OPTIONS | sed -n 's/^\.It Fl \(.\) , Fl -/item -\1 /p; s/^\.It Fl -/item - /p
	s/^\.Pq \([0-9]*\.\..*\) \.$/(\1)/p' | awk '
	function flush() { if (item) print item, range }
	/^item/ { flush(); item = $2 " " $3 " " ($4 == "Ar" ? $5 : "-"); range = "-"; next }
	{ range = $0 }
	END { flush() }' >"$dir/page"
same 'options, with their arguments, ranges and defaults'

sed -n '/^Exit status/,$s/^ *\([0-9][0-9]*\)  \(.*\)/\1 \2/p' "$dir/all" >"$dir/help"
section 'EXIT STATUS' | awk '/^\.It / { status = $2; next } /^\./ { next } { print status, $0 }' >"$dir/page"
same 'exit statuses'

# Words after the program's name in the usage that are neither options nor operands.
sed -n '1,/^$/s/^\(usage:\|      \) scxlua //p' "$dir/all" | grep -oE '^[a-z]+' | sort -u >"$dir/help"
section SYNOPSIS | sed -n 's/^\.Cm \([a-z]*\)$/\1/p' | sort -u >"$dir/page"
same 'commands'

for page in runtime/scxlua.8 lua/scxlua-policy.7; do
	silent "groff formats $page" groff -mdoc -Tutf8 -ww -z "$page"
	silent "mandoc finds nothing in $page" mandoc -T lint -W warning "$page"
done

echo "1..$n"
