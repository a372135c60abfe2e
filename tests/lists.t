#!/bin/bash
# What the lists of suites must hold (TAP): no shipped policy is left out of what is measured, and no
# case of the corpus that takes less than ten seconds out of make test.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
n=0
suite=tests/vm/suite/properties.t

# ok WHAT CMD...: one test.
ok() {
	local what=$1
	shift
	n=$((n + 1))
	"$@" && echo "ok $n - $what" && return
	echo "not ok $n - $what"
}

# named NAME LIST: a line of the list runs properties.t for this policy, as it is.
named() { grep -- "$suite" "$2" | grep -v -- --with | grep -qw -- "$1"; }
# stood_in NAME LIST: a line of the list runs it with another policy in its place.
stood_in() { grep -- "$suite --with" "$2" | grep -qw -- "$1"; }
loaded() { grep -qE -- "suite/load\.t( |.* )$1( |\$)" "$2"; }
schtested() { grep -qE -- "-$2(-a|-b)?=.*suite/schtest\.t( |.* )$1( |\$)" tests/vm-full.list; }
unique() { [[ ! $(sed -n 's/^\([^#=]*\)=.*/\1/p' tests/*.list | sort | uniq -d) ]]; }
cases_unique() { [[ ! $(sed -n 's/^title\[\(.*\)\]=.*/\1/p' tests/vm/corpus/*.sh | sort | uniq -d) ]]; }

# quick: the cases that took less than ten seconds, by tests/faults.md.
quick() { sed -nE 's/^\| ([SKR][0-9]+[a-z]?) \|.*[ ,]([0-9]) s \|$/\1/p' tests/faults.md; }
# in_test ID: a line of make test has it, by the beginning of its name.
read -rd '' -a begins < <(sed -n 's/.*suite\/corpus\.t //p' tests/vm.list)
in_test() {
	local begin
	for begin in "${begins[@]}"; do
		[[ $1 != "$begin"* ]] || return 0
	done
	return 1
}
measured() { named "$1" tests/vm.list || named "$1" tests/vm-full.list; }

for file in policies/*.lua; do
	name=$(basename -s .lua "$file")
	ok "$name: $suite knows its property" grep -q "^property_$name() {" $suite
	ok "$name: make test or make test-full measures it" measured "$name"
	ok "$name: make test-full shows that the measurement can fail" \
		stood_in "$name" tests/vm-full.list
	ok "$name: make test puts a load on it" loaded "$name" tests/vm.list
	ok "$name: make test-full puts a longer one on it" loaded "$name" tests/vm-full.list
	for topology in 1 2 4 smt numa; do
		ok "$name: make test-full runs schtest under it, topology $topology" \
			schtested "$name" "newest-$topology"
	done
done
ok 'no two suites have the same name' unique
ok 'no two cases of the corpus have the same id' cases_unique
for id in $(quick); do
	ok "make test has $id, which takes less than 10 s" in_test "$id"
done
echo "1..$n"
