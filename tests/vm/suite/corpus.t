#!/bin/bash
# The fault corpus: cases by id, or by group (S script, K kernel and tasks, R runtime); all of them
# by default. One TAP line a case, with the figure that it measured.
#
#   tests/vm/suite/corpus.t [ID | S | K | R]...
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
	if [[ $id == [SKR] ]]; then
		mapfile -t ids < <(printf '%s\n' "${!title[@]}" | grep "^$id" | sort)
	else
		ids=("$id")
	fi
	for case in "${ids[@]}"; do
		run_case "$case"
	done
done
finish
