#!/bin/bash
# What the verifier walks for each BPF program, against the table of what it did when the table was
# made (tests/vm/verifier.txt: KERNEL PROGRAM INSTRUCTIONS WALKED). A program may cost a fifth more:
# then somebody shall look. A series of kernels that is not in the table is skipped. With the argument
# --update the lines of this kernel are printed anew.
# shellcheck disable=SC2317 # functions are called by name
set -uo pipefail
table=tests/vm/verifier.txt
series=$(uname -r | grep -oE '^[0-9]+\.[0-9]+')

build/verifier build/scxlua.bpf.o | sed "s/^/$series /" >/tmp/now || exit 1
if [[ ${1-} == --update ]]; then
	cat /tmp/now
	exit
fi

if ! grep -q "^$series " "$table"; then
	echo "1..0 # SKIP no figures of $series in $table: add those of verifier.t --update"
	exit
fi

n=0
while read -r kernel program length walked; do
	was=$(awk -v k="$kernel" -v p="$program" '$1 == k && $2 == p { print $4 }' "$table")
	n=$((n + 1))
	if [[ -n $was ]] && ((walked * 5 <= was * 6)); then
		echo "ok $n - $kernel $program: $length instructions, $walked walked (table: $was)"
	else
		echo "not ok $n - $kernel $program: $length instructions, $walked walked (table: ${was:-none})"
	fi
done </tmp/now
echo "1..$n"
