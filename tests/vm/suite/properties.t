#!/bin/bash
# Each shipped policy has the property that names it, measured on real threads while the policy
# decides about every wakeup.
#
#   tests/vm/suite/properties.t [--with FILE] [NAME]...
#
# NAME: the policies, all that are shipped by default. --with: measures FILE instead of each of
# them, and a test passes if it does *not* have the property: so the suite shows that it can fail.
#
# property_NAME FILE: true if the policy FILE has the property that names the policy NAME; 1 if
# it has not; 2 if it could not be measured. Numbers are said on lines of their own.
# shellcheck disable=SC2317 # the properties are called by name
# shellcheck source=tests/vm/measured.sh
. tests/vm/measured.sh

with=
nr_cpus=$(nproc)
hogs=$((nr_cpus * 6))
# Four spinners each at 1 : 1.94 : 3.81, so that nobody is owed more than one of two CPUs. These
# nice values lose nothing by the rounding of the weights that a policy sees (100, 194, 381).
nice_groups=(nice:0:4 nice:-3:4 nice:-6:4)

# below_third WHAT KEY A B: A is less than a third of B.
below_third() {
	say "$1: $3 against $4 us"
	is "$(($3 * 3))" -lt "$4"
}

# Shares of CPU time are within PERMILLE of what the weights say.
shares_within() {
	local permille=$1 file=$2
	shift 2
	under "$file" shares seconds=20 "$@" || return 2
	# A CPU that is left idle makes shares easy to keep.
	is "$(value used_permille)" -ge 900 || return 2
	is "$(value worst_off)" -le "$permille"
}

property_vtime() { shares_within 50 "$1" "${nice_groups[@]}"; }
property_stride() { shares_within 50 "$1" "${nice_groups[@]}"; }
property_eevdf() { shares_within 50 "$1" "${nice_groups[@]}"; }
property_lottery() { shares_within 100 "$1" "${nice_groups[@]}"; }

# By cgroup, whatever the number of spinners in it: the group with the least weight has the most.
property_cgroup() {
	weigh props 100 200 400 || return 2
	shares_within 50 "$1" cgroup:/sys/fs/cgroup/props0:100:6 cgroup:/sys/fs/cgroup/props1:200:4 \
		cgroup:/sys/fs/cgroup/props2:400:3
}

# sooner FILE SETTING...: the p99 of sleepers among hogs is below a third of fifo's.
sooner() {
	local file=$1 fifo
	shift
	baseline latency hogs="$hogs" sleepers=2 sleep_us=7000 burst_us=300 seconds=10 || return 2
	fifo=$(value p99_us)
	under "$file" latency hogs="$hogs" sleepers=2 sleep_us=7000 burst_us=300 seconds=10 "$@" ||
		return 2
	say "p99: $(value p99_us) us, fifo's $fifo us"
	is "$(($(value p99_us) * 3))" -lt "$fifo"
}

property_nice() { sooner "$1" nice=-10; }
property_mlfq() { sooner "$1"; }
property_interactive() { sooner "$1" name=ui; }
property_rustland() { sooner "$1"; }

# Order of arrival: threads woken one by one run in that order.
property_fifo() {
	under "$1" order hogs="$hogs" rounds=30 || return 2
	say "inverted: $(value inverted) of $(value pairs) pairs"
	is "$(value inverted_permille)" -le 10
}

# Jobs of different length that start together: the mean completion time is lower than fifo's.
property_sjf() {
	local fifo jobs=(long:4:600 short:12:50)
	baseline batch rounds=2 learn=2 "${jobs[@]}" || return 2
	fifo=$(value mean_ms)
	under "$1" batch rounds=2 learn=2 "${jobs[@]}" || return 2
	say "mean: $(value mean_ms) ms, fifo's $fifo ms"
	is "$(($(value mean_ms) * 100))" -lt "$((fifo * 75))"
}

# The slice gets shorter as more wait.
property_rr() {
	local few many
	schedule "$1" || return 2
	measure switches spinners="$nr_cpus" seconds=3 && few=$(applied_us)
	measure switches spinners=$((nr_cpus * 8)) seconds=3 && many=$(applied_us)
	stop >"$run/stop"
	sound || return 2
	say "slice: $few us with one task per CPU, $many us with eight"
	is "$many" -gt 0 || return 2
	is "$((many * 2))" -le "$few"
}

run_all() {
	local name file
	for name; do
		if [[ ! $with ]]; then
			ok "$name: has its property" "property_$name" "policies/$name.lua"
			continue
		fi
		"property_$name" "$with"
		ok "$name: $(basename "$with" .lua) does not have its property" is $? -eq 1
	done
}

if [[ ${1-} == --with ]]; then
	with=$2
	shift 2
fi
(($#)) || set -- "${shipped[@]}"
run_all "$@"
finish
