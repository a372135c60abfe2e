#!/bin/bash
# The test runner's own test (TAP): a failing case must make it exit 1, and a suite that dies or
# runs short must count as a failure. Everything else relies on this.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

# expect WHAT STATUS LAST_LINE [ARG]...: tests/run ARG... ends with this status and last line.
expect() {
	local what=$1 status=$2 last=$3 got got_status=0
	shift 3
	tests/run --dir "$dir" "$@" >"$dir/output" 2>&1 || got_status=$?
	got=$(tail -n 1 "$dir/output")
	if [[ $got_status == "$status" && $got == "$last" ]]; then
		echo "ok $((++n)) - $what"
		return
	fi
	echo "not ok $((++n)) - $what"
	echo "# expected status $status and: $last"
	echo "# got status $got_status and: $got"
}

# saw WHAT TEXT: the output of the last run has TEXT.
saw() {
	grep -qF -- "$2" "$dir/output" && echo "ok $((++n)) - $1" && return
	echo "not ok $((++n)) - $1"
	sed 's/^/# /' "$dir/output"
}

good="printf 'ok 1 - a\nok 2 - b\n1..2\n'"
bad="printf '1..2\nok 1 - a\nnot ok 2 - the culprit\n# because\n'; exit 1"
skips="printf '1..2\nok 1 # SKIP a: no kvm\nok 2 - b\n'"
one='1..1\nok 1\n'

expect 'passing tests pass' 0 '2 passed, 0 failed, 0 skipped' good="$good"
expect 'a failing test makes it exit 1' 1 '3 passed, 1 failed, 0 skipped' bad="$bad" good="$good"
saw 'the failed test is named' 'not ok 2 - the culprit'
saw 'what it said is shown' '# because'
expect 'a failing test counts when the suite exits 0' 1 '1 passed, 1 failed, 0 skipped' \
	bad="${bad%; exit 1}"
expect 'skips are skips' 0 '1 passed, 0 failed, 1 skipped' skips="$skips"
expect "cmocka's skips are skips" 0 '0 passed, 0 failed, 1 skipped' \
	skips="printf '1..1\nnot ok 1 # SKIP a\n'"
expect 'a skipped suite is a skip' 0 '0 passed, 0 failed, 1 skipped' \
	all="echo '1..0 # SKIP no root'"
expect 'no plan is a failure' 1 '0 passed, 1 failed, 0 skipped' silent=true
expect 'death is a failure' 1 '1 passed, 1 failed, 0 skipped' \
	dies="printf '1..2\nok 1\n'; kill -SEGV \$\$"
saw 'death is explained' 'ran 1 of 2 tests, exit status 139'
expect 'too many tests are a failure' 1 '2 passed, 1 failed, 0 skipped' \
	many="printf '1..1\nok 1\nok 2\n'"
expect 'an empty plan is a failure' 1 '0 passed, 1 failed, 0 skipped' none='echo 1..0'
expect 'a status that no test explains is a failure' 1 '1 passed, 1 failed, 0 skipped' \
	late="printf '$one'; exit 3"
expect 'bailing out is a failure' 1 '1 passed, 1 failed, 0 skipped' \
	bails="printf '$one'; echo 'Bail out!'"
expect 'a suite that hangs is a failure' 1 '1 passed, 1 failed, 0 skipped' \
	--timeout 1 hangs="printf '$one'; sleep 60"
expect 'several plans add up' 0 '4 passed, 0 failed, 0 skipped' twice="$good; $good"
expect 'a command that does not exist is a failure' 1 '0 passed, 1 failed, 0 skipped' \
	gone=./no-such-test
expect 'suites at the same time all count' 1 '5 passed, 1 failed, 0 skipped' \
	--jobs 3 a="$good" b="$bad" c="$good"
printf '# a comment\n\ngood=%s\n' 'printf "1..1\nok 1\n"' >"$dir/list"
expect 'suites come from a list' 0 '1 passed, 0 failed, 0 skipped' --list "$dir/list"
expect 'stdin is empty' 0 '1 passed, 0 failed, 0 skipped' stdin="cat; printf '$one'"

# How often the suite really ran is the number of lines in $dir/ran.
once="echo x >>'$dir/ran'; $good"
expect 'a suite that has not passed yet runs' 0 '2 passed, 0 failed, 0 skipped' \
	--resume state1 once="$once"
expect 'what passed before counts' 0 '4 passed, 0 failed, 0 skipped' \
	--resume state1 once="$once" good="$good"
saw 'and is said to be from before' '(before)'
[[ $(wc -l <"$dir/ran") == 1 ]] && echo "ok $((++n)) - and does not run again" ||
	echo "not ok $((++n)) - and does not run again"
expect 'in another state it does' 0 '2 passed, 0 failed, 0 skipped' --resume state2 once="$once"
expect 'without a state too' 0 '2 passed, 0 failed, 0 skipped' once="$once"
expect 'and after its command has changed' 1 '1 passed, 1 failed, 0 skipped' \
	--resume state2 once="echo x >>'$dir/ran'; $bad"
expect 'a suite that failed runs again' 1 '1 passed, 1 failed, 0 skipped' \
	--resume state2 once="echo x >>'$dir/ran'; $bad"
[[ $(wc -l <"$dir/ran") == 5 ]] && echo "ok $((++n)) - each of these ran" ||
	echo "not ok $((++n)) - each of these ran"

tests/run --dir "$dir" >"$dir/output" 2>&1
status=$?
[[ $status == 2 ]] && echo "ok $((++n)) - nothing to run is an error" ||
	echo "not ok $((++n)) - nothing to run is an error # status $status"
echo "1..$n"
