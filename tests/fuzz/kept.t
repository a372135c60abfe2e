#!/bin/bash
# The inputs that fuzzing found worth keeping, once each (TAP): one test per fuzzer.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
n=0
for dir in tests/fuzz/corpus/*/; do
	name=$(basename "$dir")
	if build/fuzz/"$name" -runs=0 "$dir" >build/fuzz/"$name".log 2>&1; then
		echo "ok $((++n)) - $name: $(find "$dir" -type f | wc -l) inputs"
	else
		echo "not ok $((++n)) - $name"
		tail -n 30 build/fuzz/"$name".log | sed 's/^/# /'
	fi
done
echo "1..$n"
