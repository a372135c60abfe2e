#!/bin/bash
# The fault corpus: cases by how their ids begin (S script, K kernel and tasks, R runtime); all of
# them by default. One TAP line a case, with the figure that it measured.
#
#   tests/vm/suite/corpus.t [K04 | S2 | R]...
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
tree=$OLDPWD
# shellcheck source=tests/vm/corpus/lib.sh
. "$tree/tests/vm/corpus/lib.sh"
for group in script kernel runtime; do
	# shellcheck source=/dev/null
	. "$tree/tests/vm/corpus/$group.sh"
done

(($#)) || set -- S K R
for id; do
	mapfile -t ids < <(printf '%s\n' "${!title[@]}" | grep "^$id" | sort)
	((${#ids[@]})) || ids=("$id") # which is said to be none
	for case in "${ids[@]}"; do
		run_case "$case"
	done
done
finish
