#!/bin/bash
# The tests of the sched_ext project's schtest (tests/vm/schtest) with each policy as the scheduler.
#
#   tests/vm/suite/schtest.t [NAME]...
#   tests/vm/suite/schtest.t --failing
#
# NAME: the policies, all that are shipped by default. A policy is judged by what it promises, below;
# its other figures are only said, after one round. --failing shows that each test can fail: under a
# policy that is bad at it, it does.
#
# The bounds are schtest's: shares and ratios mean the same on emulated CPUs. Two are not: there the
# fair class is measured first, in the same boot beside the same canaries, and the line says what it
# had. A wake-up time is held to a multiple of it. adaptive_priority's 0.50 is beyond the fair class
# here: a policy that promises it has half of the fair class's figure at most.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
cp "$OLDPWD/build/schtest" build/

mapfile -t tests < <(build/schtest list)
declare -A fair=()

# A wake-up through a policy in user space has two switches and two ring crossings more. Measured: 3 to
# 6 times what the fair class needs, 10 with more emulated CPUs than real ones. chaos has 40.
times=20

# promised POLICY TEST: is the policy made for this? If not, the figure is no fault of it: eevdf shares
# as the fair class does, and neither serves a task sooner because it needs little (6.1 and 4.4).
promised() {
	case $2 in
	self_test | ping_pong/*) [[ $1 != chaos ]] ;;
	fairness) [[ $1 =~ ^(fifo|rr|vtime|eevdf|stride|lottery)$ ]] ;;
	adaptive_priority) [[ $1 =~ ^(vtime|rustland|mlfq|interactive)$ ]] ;;
	spread_out) [[ $1 =~ ^(smt)$ ]] ;;
	*) false ;;
	esac
}

# measure TEST[=BOUND]: the test's line, without its number.
measure() { build/schtest "$1" 2>&1 | head -n 1 | sed -E 's/ok [0-9]+ - /ok - /'; }

# measure_fair: wake-up times, and their ratio, under the fair class.
measure_fair() {
	local name line
	canary_on
	for name in "${tests[@]}"; do
		[[ $name == adaptive_priority || $name == ping_pong/* ]] || continue
		line=$(measure "$name")
		say "fair class: ${line#*- }"
		fair[$name]=$(sed -nE 's/^(not )?ok - [^ ]+ ([0-9.]+) .*/\2/p' <<<"$line")
	done
	canary_off
}

# with_bound TEST: and =BOUND, where that follows from what the fair class has.
with_bound() {
	local figure=${fair[$1]-}
	awk -v name="$1" -v fair="$figure" -v times="$times" 'BEGIN {
		if (name !~ /^ping_pong/) bound = fair > 1 ? fair / 2 : 0.5
		else bound = fair * times
		print fair == "" ? name : name "=" bound
	}'
}

# judge POLICY TEST: one TAP line if the policy promises it.
judge() {
	local line
	if ! promised "$1" "$2"; then
		line=$(measure "$2=0")
		say "$1 does not promise it: ${line#*- }"
		return
	fi
	line=$(measure "$(with_bound "$2")")
	if [[ $line == ok*'# SKIP'* ]]; then
		nr_tests=$((nr_tests + 1))
		echo "ok $nr_tests - $1: ${line#*- }"
	else
		line+=${fair[$2]:+"; the fair class has ${fair[$2]}"}
		ok "$1: ${line#*- }" test "${line%% *}" = ok
	fi
}

# with NAME FILE CMD...: the policy is the scheduler while CMD is done, and then the usual rule holds.
with() {
	local name=$1 file=$2
	shift 2
	ok "$name: starts" start -o builtin_idle=false "$file"
	canary_on
	"$@"
	ok "$name: still attached" is "$(state)" = enabled
	ok "$name: never a moment under the fair class" is "$(enable_seq)" -eq "$seq_at_start"
	canary_off
	stop
	"${check:-check_end}" "$name"
	ok "$name: no page fault in the worker" is "$(num page_faults)" -eq 0
}

judge_all() {
	local name
	for name in "${tests[@]}"; do
		judge "$1" "$name"
	done
}

# all_fail TEST...: none passes, and none for want of something to measure.
all_fail() {
	local name line
	for name; do
		line=$(measure "$(with_bound "$name")")
		ok "it fails: ${line#*- }" grep -qE '^not ok - [^ ]+ [0-9.]+ ' <<<"$line"
	done
}

# A policy that starves tasks makes canaries late; so it is no good, and what is shown is that.
check_but_canaries() {
	ok "$1: exit status 0, kind 64" is "$status$(num kind)" -eq 064
	ok "$1: the ledger is exact" ledger
}

show_failing() {
	with fifo policies/fifo.lua all_fail adaptive_priority
	check=check_but_canaries with starve policies/starve.lua all_fail fairness
	with chooses_cpu policies/chooses_cpu.lua all_fail spread_out
	with chaos policies/chaos.lua all_fail ping_pong/SameCore ping_pong/Unpinned
}

say "schtest on $(uname -r) with $(nproc) CPUs"
measure_fair
if [[ ${1-} == --failing ]]; then
	show_failing
	finish
fi
(($#)) || set -- "${shipped[@]}"
for policy; do
	with "$policy" "policies/$policy.lua" judge_all "$policy"
done
finish
