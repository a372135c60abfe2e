# shellcheck shell=bash
# measured.sh - for suites that compare what build/measure says under two policies of one boot.
#
# Sourced in place of tests/vm/lib.sh, which it sources. A measurement is build/measure's line of "key value" pairs.
# shellcheck disable=SC2034,SC2154 # results are for the suites; the rest is from lib.sh

# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

line=
options=() # of scxlua, for the policy that is measured

# value KEY [LINE]: a number of the last measurement, or of LINE; nothing if it has no such key.
value() {
	awk -v key="$1" '{ for (i = 1; i < NF; i += 2) if ($i == key) print $(i + 1) }' \
		<<<"${2-$line}"
}

# schedule FILE: the policy decides about every wakeup. Options are for a policy that has them:
# they are left out if the policy is one that stands in ($with) for another.
schedule() {
	local given=()
	[[ ${with-} || $1 == policies/fifo.lua ]] || given=("${options[@]}")
	start -o builtin_idle=false "${given[@]}" "$1"
}

# measure WHAT...: the line goes to $line.
measure() {
	line=$(build/measure "$@" 2>"$run/measure.log") && [[ $line ]] && return
	say "measure $*: $(<"$run/measure.log")"
	line=
	return 1
}

# sound: the policy ended as it should, and what was measured is its work and not the guards'.
sound() {
	is "$status$(num kind)" -eq 064 && ledger >/dev/null &&
		is "$(($(num aged_out) * 50))" -le "$(num decided)" &&
		is "$(($(num starved) * 50))" -le "$(num decided)" &&
		is "$(num worker_restarts)" -eq 0 && return
	say "exit $status, kind $(num kind); $(ledger | tail -n 1)"
	return 1
}

# under FILE WHAT...: the measurement WHAT with the policy as the scheduler goes to $line. False if
# it could not be measured, or not of this policy alone.
under() {
	local file=$1 measured=
	shift
	line=
	schedule "$file" || return
	measure "$@" && measured=1
	stop >"$run/stop"
	say "$(basename "$file" .lua): $* -> ${line:-nothing}"
	[[ $measured ]] && sound && return
	cat "$run/stop"
	return 1
}

# baseline WHAT...: the same of fifo, measured once per boot.
baseline() {
	local kept
	kept=$run/baseline.$(tr -c 'a-zA-Z0-9\n' _ <<<"$*")
	if [[ -s $kept ]]; then
		line=$(<"$kept")
		return
	fi
	under policies/fifo.lua "$@" && echo "$line" >"$kept"
}

# applied_us LINES: the slice that the kernel gave last, as a live line shows it: the median of the
# last LINES of them, since one may show that of a thread which was alone just then.
applied_us() {
	tail -n "$1" "$run/stats" | sed -n 's/.*slice \([0-9]*\) us$/\1/p' | sort -n |
		sed -n "$((($1 + 1) / 2))p"
}

# weigh NAME WEIGHT...: makes /sys/fs/cgroup/NAMEn with each cpu.weight, n = 0, 1, ...
weigh() {
	local name=$1 i=0 weight
	shift
	echo +cpu >/sys/fs/cgroup/cgroup.subtree_control || return
	for weight; do
		mkdir -p "/sys/fs/cgroup/$name$i" || return
		echo "$weight" >"/sys/fs/cgroup/$name$i/cpu.weight" || return
		i=$((i + 1))
	done
}
