#!/bin/bash
# Each shipped policy has the property that names it, measured on real threads while the policy
# decides about every wakeup.
#
#   tests/vm/suite/properties.t [--with FILE] [NAME]...
#
# NAME: the policies, by default all that are shipped and need no more than 2 CPUs. --with: measures
# FILE in the place of each of them, and a test passes if FILE does *not* have the property: so the
# suite shows that it can fail.
#
# property_NAME FILE: 0 if the policy FILE has the property that names the policy NAME; 1 if it
# has not; 2 if it could not be measured. Numbers are said on lines of their own.
# shellcheck disable=SC2317 # the properties are called by name
# shellcheck source=tests/vm/measured.sh
. tests/vm/measured.sh

with=
nr_cpus=$(nproc)
hogs=$((nr_cpus * 6))

# ---- shares of CPU time ----

# Four spinners each at 1 : 1.94 : 3.81, so that nobody is owed more than one of two CPUs. These
# nice values lose nothing by the rounding of the weights that a policy sees (100, 194, 381).
by_nice=(nice:0:4 nice:-3:4 nice:-6:4)

# shares_within PERMILLE FILE GROUP...: shares of CPU time are what the weights say, but for that.
shares_within() {
	local permille=$1 file=$2
	shift 2
	under "$file" shares seconds=20 "$@" || return 2
	# With CPUs left idle, shares would be easy to keep.
	is "$(value used_permille)" -ge 850 || return 2
	is "$(value worst_off)" -le "$permille"
}

# pair_within PERMILLE FILE: two spinners on one CPU, at 1 : 3. There is room for both in the kernel, so
# each is decided at once: what counts is the order that the policy gives its decisions.
pair_within() {
	local permille=$1 file=$2
	schedule "$file" || return 2
	line=$(taskset -c 0 build/measure shares seconds=8 nice:0:1 nice:5:1)
	stop >"$run/stop"
	say "two on one CPU: ${line:-nothing}"
	sound && is "$(value used_permille)" -ge $((850 / nr_cpus)) || return 2
	is "$(value worst_off)" -le "$permille"
}

property_vtime() { shares_within 50 "$1" "${by_nice[@]}" && pair_within 100 "$1"; }
property_stride() { shares_within 50 "$1" "${by_nice[@]}"; }
property_eevdf() { shares_within 50 "$1" "${by_nice[@]}"; }
# Chance is part of it. Short slices: more draws, and nobody loses for as long as the starve limit,
# which would help those with few tickets.
property_lottery() {
	options+=(-o slice_us=3000)
	shares_within 100 "$1" "${by_nice[@]}"
}

# 1 : 2 : 4 by cgroup, whatever the number of spinners: the cgroup that is owed least has most.
property_cgroup() {
	weigh props 100 200 400 || return 2
	shares_within 50 "$1" cgroup:/sys/fs/cgroup/props0:100:6 \
		cgroup:/sys/fs/cgroup/props1:200:4 cgroup:/sys/fs/cgroup/props2:400:3
}

# ---- wake-up latency ----

# sooner FILE SETTING...: sleepers among hogs are woken with a p99 below a third of fifo's.
sooner() {
	local file=$1 fifo sleepers=(latency seconds=8 hogs="$hogs" sleepers=2 sleep_us=7000 burst_us=100)
	shift
	baseline "${sleepers[@]}" || return 2
	fifo=$(value p99_us)
	under "$file" "${sleepers[@]}" "$@" || return 2
	say "p99: $(value p99_us) us, fifo's $fifo us"
	is "$(($(value p99_us) * 3))" -lt "$fifo"
}

property_nice() { sooner "$1" nice=-10; }
property_mlfq() { sooner "$1"; }
property_rustland() { sooner "$1"; }
property_interactive() {
	options+=(-o names=ui)
	sooner "$1" name=ui
}

# ---- order, deadlines, jobs ----

# Threads that are woken one by one run in that order.
property_fifo() {
	under "$1" order hogs="$hogs" rounds=30 || return 2
	say "inverted: $(value inverted) of $(value pairs) pairs"
	is "$(value inverted_permille)" -le 50
}

# At 80 % of both CPUs: long jobs, for which there is all the time in the world, and short ones that
# have less time than fifo lets them wait for the long ones.
property_edf() {
	local tasks=(deadlines seconds=10 long:6:1000:150000 short:2:40:14000)
	baseline "${tasks[@]}" || return 2
	say "fifo missed $(value misses) of $(value jobs) deadlines"
	is "$(value misses_permille)" -ge 200 || return 2
	options+=(-o "periods=long=1000000,short=40000")
	under "$1" "${tasks[@]}" || return 2
	say "missed $(value misses) of $(value jobs) deadlines"
	is "$(value misses_permille)" -le 20
}

# Jobs of different length that start together: on average they are done sooner than with fifo.
property_sjf() {
	local fifo jobs=(batch rounds=2 learn=2 long:3:600 short:24:25)
	baseline "${jobs[@]}" || return 2
	fifo=$(value mean_ms)
	under "$1" "${jobs[@]}" || return 2
	say "mean: $(value mean_ms) ms, fifo's $fifo ms"
	is "$(($(value mean_ms) * 100))" -lt "$((fifo * 80))"
}

# The slice gets shorter as more are waiting.
property_rr() {
	local few='' many=''
	schedule "$1" || return 2
	measure switches spinners="$nr_cpus" seconds=7 && few=$(applied_us 7)
	measure switches spinners=$((nr_cpus * 8)) seconds=7 && many=$(applied_us 7)
	stop >"$run/stop"
	say "slice: $few us with one task per CPU, $many us with eight"
	sound && is "$many" -gt 0 || return 2
	is "$((many * 2))" -le "$few"
}

# ---- places; llc and smt need 2 cores of 2 CPUs, each with a last-level cache of its own ----

# needs KEY NUMBER: the last measurement saw a machine that can show the property.
needs() {
	is "$(value "$1")" -ge "$2" && return
	say "this machine has $(value "$1") $1, and the property needs $2"
	return 1
}

# Bursts on another last-level cache than the one before are less than half of fifo's.
property_llc() {
	local fifo bursts=(place seconds=6 threads="$nr_cpus" burst_us=4000 sleep_us=4000)
	baseline "${bursts[@]}" && needs llcs 2 || return 2
	fifo=$(value llc_permille)
	under "$1" "${bursts[@]}" || return 2
	say "on another cache: $(value llc_permille) in 1000 bursts, fifo's $fifo"
	is "$(($(value llc_permille) * 2))" -lt "$fifo"
}

# As many threads as cores: they share a core while another has none in less than half as many
# bursts as with fifo.
property_smt() {
	local fifo bursts=(place seconds=6 threads=$((nr_cpus / 2)) burst_us=4000 sleep_us=4000)
	baseline "${bursts[@]}" && needs cores 2 || return 2
	fifo=$(value shared_permille)
	under "$1" "${bursts[@]}" || return 2
	say "shared a core needlessly: $(value shared_permille) in 1000 bursts, fifo's $fifo"
	is "$(($(value shared_permille) * 2))" -lt "$fifo"
}

# Where one spinner more than CPUs waits all the time, they are interrupted at most two thirds as
# often as with fifo. (Where nobody waits, the kernel half lets them go on with either.)
property_central() {
	local fifo spinners=(switches spinners=$((nr_cpus + 1)) seconds=6)
	baseline "${spinners[@]}" || return 2
	fifo=$(value per_1000s)
	under "$1" "${spinners[@]}" || return 2
	say "interrupted $(value per_1000s) times in 1000 s of CPU time, with fifo $fifo times"
	is "$(($(value per_1000s) * 3))" -lt "$((fifo * 2))"
}

# On an idle machine wakeups are late, by times that differ, and no CPU is preferred. Of delays from 0
# to 10 ms half are above 5 ms, and four in five are within 8 ms of each other: half of that is asked
# for, in microseconds, since a busy host adds to what is late with either policy.
property_chaos() {
	local fifo cpu late spread bursts=(place seconds=8 threads=2 burst_us=500 sleep_us=5000)
	baseline "${bursts[@]}" || return 2
	fifo=$(value late_p50_us)
	options+=(-o delay_us=10000)
	under "$1" "${bursts[@]}" || return 2
	late=$(($(value late_p50_us) - fifo))
	spread=$(($(value late_p90_us) - $(value late_p10_us)))
	say "half are later than fifo's by $late us; four in five within $spread us of each other"
	is "$late" -ge 2500 && is "$spread" -ge 4000 || return 1
	for ((cpu = 0; cpu < nr_cpus; cpu++)); do
		is "$(value "cpu_$cpu")" -ge $((500 / nr_cpus)) || return 1
	done
}

# ---- the tests ----

run_all() {
	local name got
	for name; do
		options=()
		if [[ ! $with ]]; then
			ok "$name: has the property that names it" "property_$name" "policies/$name.lua"
			continue
		fi
		"property_$name" "$with"
		got=$?
		ok "$name: $(basename "$with" .lua) does not have its property" is "$got" -eq 1
	done
}

if [[ ${1-} == --with ]]; then
	with=$2
	shift 2
fi
(($#)) || set -- "${shipped[@]}"
run_all "$@"
finish
