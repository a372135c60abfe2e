# shellcheck shell=bash disable=SC2154
# corpus/lib.sh - the fault corpus: each case is a function named by its id, and one TAP line.
#
# Sourced by suite/corpus.t after lib.sh. The pass rule that holds for every case, unless it says
# otherwise: sched_ext stays enabled without a gap (enable_seq), the exit is kind 64 and status 0,
# no canary was late by more than 1 s, the ledger balances, no worker page-faults while it decides,
# nothing that came through the rings was malformed.
#
# A case calls `under`, then `expect`s what it is about; what fails is said in # lines.

complaints=0
figure=
# shellcheck disable=SC2034 # of cases
seconds=5
guard_off= # a guard that the case is to do without

# title ID TEXT: what the case shows.
declare -A title=()

# expect WHAT CMD...: a condition of the case.
expect() {
	local what=$1
	shift
	"$@" && return
	complaints=$((complaints + 1))
	say "expected: $what ($*)"
	return 1
}

# what TEXT: goes into the case's line and the table.
what() { figure+="${figure:+, }$*"; }

settled() {
	[[ -s $run/json ]] &&
		is "$(num queued)" -eq $(($(num decided) + $(num aged_out) + $(num cancelled) + $(num exited)))
}

# under POLICY ARG... [-- CMD...]: runs the policy under the mixed load, 3 s as it should and then
# for $seconds while it misbehaves, or while CMD is done to it; then ends it and checks the rule.
under() {
	local args=()
	while (($#)) && [[ $1 != -- ]]; do
		args+=("$1")
		shift
	done
	[[ ${1-} != -- ]] || shift
	expect 'it starts' start ${guard_off:+--fault "$guard_off=1"} -o builtin_idle=false \
		"${args[@]}" || return
	load_on
	canary_on
	sleep 2
	if (($#)); then
		"$@"
	else
		sleep $((1 + seconds))
	fi
	expect 'sched_ext is enabled' is "$(state)" = enabled
	expect 'it was enabled all the time' is "$(enable_seq)" -eq "$seq_at_start"
	canary_off >/dev/null
	load_off
	stop >/dev/null
	rule
}

rule() {
	expect 'a report' test -s "$run/json" || return
	expect 'exit status 0 and kind 64' is "$status$(num kind)" -eq 064
	expect 'the ledger balances' settled
	expect 'something was decided' is "$(num queued)" -gt 0
	expect 'no canary late by more than 1 s' is "$late_ms" -le 1000
	expect 'no page fault in the worker' is "$(num page_faults)" -eq 0
	expect 'nothing malformed' is "$(($(num malformed) + $(num bad_records)))" -eq 0
	what "canary $late_ms ms"
}

# cannot WHY: this machine cannot show the case, which is skipped.
cannot() { skipped=$*; }

# run_case ID: one TAP line.
run_case() {
	local id=$1 begin=$SECONDS name
	complaints=0 figure='' late_ms='' seconds=5 skipped=''
	name="$id ${title[$id]:-}"
	if ! declare -F "$id" >/dev/null; then
		ok "$id: there is no such case" false
		return
	fi
	"$id"
	if [[ $skipped ]]; then
		nr_tests=$((nr_tests + 1))
		printf 'ok %d - %s # SKIP %s\n' "$nr_tests" "$name" "$skipped"
		return
	fi
	if ((complaints)); then
		sed 's/^/# log: /' "$run/log" 2>/dev/null | tail -n 15
	fi
	what "$((SECONDS - begin)) s"
	ok "$name ($figure)" is "$complaints" -eq 0
}

# bites GUARD ID: without the guard the case must fail; one TAP line that says by what.
bites() {
	local id=$2 failed_by
	complaints=0 figure='' late_ms='' seconds=5 guard_off=$1
	failed_by=$("$id" | sed -n 's/^# expected: //p' | tr '\n' ';')
	guard_off=
	say "$1 off: $id failed: ${failed_by:-it passed}"
	ok "without the guard $1 the case $id fails" test -n "$failed_by"
	scx_quiet
}

# scx_quiet: whatever a failed case has left running is ended.
scx_quiet() {
	pkill -KILL -x scxlua
	pkill -KILL stress-ng
	pkill -KILL canary
	wait_for 5 is_disabled
}
