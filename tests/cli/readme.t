#!/bin/bash
# README.md against what it describes (TAP): options, exit statuses, counters, messages, and the
# first policy, which must pass the check. Then all pages: make's targets, paths and links. What a
# policy can use is in lua/REFERENCE.md, which tests/lua/gen.t.lua looks after.
#
#   tests/cli/readme.t         $SCXLUA names the binary (default build/scxlua)
# shellcheck disable=SC2016 # backticks of the README, everywhere
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
scxlua=${SCXLUA:-build/scxlua}
export SCXLUA_LIBDIR=${SCXLUA_LIBDIR:-$PWD/lua} # a sanitizer's build lies elsewhere
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

# same WHAT: $dir/readme and $dir/tree have the same lines, in whatever order, and at least one.
same() {
	sort -o "$dir/readme" "$dir/readme"
	sort -o "$dir/tree" "$dir/tree"
	if [[ -s $dir/tree ]] && diff -U0 --label README.md --label tree "$dir/readme" "$dir/tree" >"$dir/diff"; then
		echo "ok $((++n)) - $1"
	else
		echo "not ok $((++n)) - $1"
		sed 's/^/# /' "$dir/diff"
	fi
}

# silent WHAT COMMAND [ARG]...: one test; the command prints nothing. What it prints is a complaint.
silent() {
	local what=$1 complaints
	shift
	complaints=$("$@")
	if [[ ! $complaints ]]; then
		echo "ok $((++n)) - $what"
	else
		echo "not ok $((++n)) - $what"
		printf '%s\n' "$complaints" | sed 's/^/# /'
	fi
}

# table HEADER: the rows of the README's table whose first line begins with HEADER.
table() {
	awk -v header="$1" '
		index($0, header) == 1 { on = 1; getline; next }
		!/^\|/ { on = 0 }
		on' README.md
}

# The names in `backticks` of the first column of rows on stdin, arguments cut off.
names() {
	sed 's/^| *\([^|]*\) *|.*/\1/' | grep -o '`[^`]*`' | tr -d '`' | sed 's/[([].*//'
}

# counters HEADER FILE MACRO: the README's table has the names of the counters, and their meaning.
counters() {
	table "$1" | sed 's/`//g' >"$dir/readme"
	# The macro on one line, then a line for each X(name, "help").
	awk -v macro="define $3(X)" '
		index($0, macro) { on = 1 }
		on { text = text $0; if (!sub(/\\$/, "", text)) exit }
		END { print text }' "$2" | sed 's/[[:space:]][[:space:]]*/ /g; s/X(\([a-z_0-9]*\), *"/\n\1 | /g' |
		sed -n 's/^\([a-z_0-9]* | .*\)").*/| \1 |/p' >"$dir/tree"
	same "counters of $3 in $2"
}

# ---- the command line ----

"$scxlua" --help >"$dir/help"
# Both as: LETTER NAME ARGUMENT MIN..MAX DEFAULT, - for what is not there.
sed -n 's/^  \(-.\|  \)[, ] --\([a-z-]*\)\( [A-Z]*\(=[A-Z]*\)\{0,1\}\)\{0,1\} .*/\1 \2\3 &/p' "$dir/help" |
	sed 's/^   */- /' | awk '{
		range = dflt = "-"
		if (match($0, /\([0-9]+\.\.[0-9]+, default [0-9]+\)/)) {
			split(substr($0, RSTART + 1, RLENGTH - 2), part, ", default ")
			range = part[1]; dflt = part[2]
		}
		print $1, $2, ($3 ~ /^[A-Z]+(=[A-Z]+)?$/ ? $3 : "-"), range, dflt }' >"$dir/tree"
table '| option |' | awk -F ' *[|] *' '{
	letter = arg = range = dflt = "-"
	if (match($2, /`-[a-zA-Z]`/)) letter = substr($2, RSTART + 1, 2)
	match($2, /`--[^`]*`/)
	split(substr($2, RSTART + 3, RLENGTH - 4), name, " ")
	if (name[2]) arg = name[2]
	if ($3 ~ /^[0-9]+, /) { split($3, part, ", "); dflt = part[1]; range = part[2] }
	print letter, name[1], arg, range, dflt }' >"$dir/readme"
same 'options, with their ranges and defaults'

sed -n '/^Exit status/,$s/^ *\([0-9][0-9]*\)  \(.*\)/\1 \2/p' "$dir/help" >"$dir/tree"
table '| exit status |' | sed 's/^| \([0-9]*\) | \(.*\) |$/\1 \2/' >"$dir/readme"
same 'exit statuses'

grep -oE '\{ "[a-z_]+", AT\(fault_' runtime/options.c | cut -d'"' -f2 >"$dir/tree"
table '| option |' | grep -F -- --fault | sed 's/.*|\(.*\)|$/\1/' | grep -o '`[^`]*`' | tr -d '`' >"$dir/readme"
same 'faults'

sed -n '1,/^$/p' "$dir/help" | sed -n 's/^.*\(scxlua .*\)/\1/p' >"$dir/tree"
grep '^    scxlua ' README.md | sed 's/^    //' >"$dir/readme"
same 'usage'

# ---- the JSON file ----

table '| key | meaning |' | names >"$dir/readme"
{
	grep -oE '(put\(o|set_new\(o), "[a-z_]+"' runtime/report.c | grep -oE '[a-z_]+"' | tr -d '"'
} >"$dir/tree"
same 'keys of the JSON file that are no counters'
counters '| BPF counter |' bpf/abi.h SCXLUA_BPF_COUNTERS
counters '| worker counter |' runtime/engine.h ENGINE_COUNTERS
counters '| gauge |' runtime/report.h REPORT_GAUGES
counters '| supervisor counter |' runtime/report.h REPORT_COUNTERS

# ---- scxlua check ----

table '| workload |' | sed 's/`//g' >"$dir/readme"
tr '\n\t' '  ' <runtime/check_workload.c | grep -oE '\[LOAD_[A-Z]+\] = \{ "[^}]*' |
	sed 's/^.*{ "\([a-z]*\)", *"\([^"]*\)".*/| \1 | \2 |/' >"$dir/tree"
same 'workloads of the check'

# The text too, if the program has one that says it all.
table '| problem |' | sed 's/`//g; s/^| \(unusable\|error\|lost_state\|bad_stats\|growth\|garbage\|not_compiled\) | .*/| \1 | |/' >"$dir/readme"
{
	echo '| unusable | |'
	tr '\n\t' '  ' <runtime/check_report.c | grep -oE '\[FOUND_[A-Z_]+\] = \{ "[^}]*' |
		sed 's/^.*{ "\([a-z_]*\)", *"\([^"]*\)".*/| \1 | \2 |/; s/^.*{ "\([a-z_]*\)", NULL.*/| \1 | |/'
} >"$dir/tree"
same 'problems that the check finds'

table '| check key |' | grep -o '`[a-z_]*`' | tr -d '`' | sort -u >"$dir/readme"
"$scxlua" check --json - tests/bad/bad_cpu.lua | sed 's/,"engine":.*/,"engine":0}/' |
	grep -oE '"[a-z_]+":' | tr -d '":' | sort -u >"$dir/tree"
same 'keys of the JSON of the check'

# ---- the first policy ----

# The first block of the section.
awk '/^## Your first policy/ { on = 1; next }
	on && /^    / { seen = 1; print substr($0, 5); next }
	on && seen && !/^$/ { exit }
	on && seen { blank = 1; print "" }' README.md | sed '$d' >"$dir/my.lua"

check_first() {
	"$scxlua" check "$dir/my.lua" >"$dir/check" 2>&1 || echo "exit status $?"
	grep -vE "^$dir/my.lua: ok\$|^  [a-z]+ +[0-9]+ tasks, " "$dir/check"
	wc -l <"$dir/my.lua" | sed '/^10$/d; s/$/ lines, not ten/'
}
silent 'the first policy has ten lines and passes the check' check_first

# ---- messages ----

# What the program's text has not, its string literals joined.
unknown_messages() {
	local message
	cat runtime/*.c lua/*.lua lua/*/*.lua | tr '\n' ' ' |
		sed 's/"[[:space:]]*"//g; s/\\"/"/g' >"$dir/text"
	table '| message |' | names | while read -r message; do
		grep -qF -- "$message" "$dir/text" || echo "no program says: $message"
	done
}
silent 'messages' unknown_messages

# ---- coming from scx_rustland_core ----

# Its surface, as far as a program that used it sees it.
rustland='dequeue_task dispatch_task select_cpu notify_complete set_effective_slice_us
	get_effective_slice_us exited shutdown_and_report nr_online_cpus nr_running nr_queued nr_scheduled
	nr_user_dispatches nr_kernel_dispatches nr_cancel_dispatches nr_bounce_dispatches
	nr_failed_dispatches nr_sched_congested QueuedTask pid cpu cpumask_cnt nr_cpus_allowed flags
	start_ts stop_ts exec_runtime sum_exec_runtime nvcsw weight vtime enq_cnt comm DispatchedTask
	payload slice_ns NO_CPU RL_CPU_ANY'

missing_from_rustland() {
	local name
	grep '^|' lua/RUSTLAND.md | sed 's/^| *\([^|]*\)|.*/\1/' >"$dir/left"
	for name in $rustland; do
		grep -qE "[\`.]${name}[\`.(]" "$dir/left" || echo "not in lua/RUSTLAND.md: $name"
	done
}
silent 'all of scx_rustland_core is in lua/RUSTLAND.md' missing_from_rustland

# The right column: counters, fields and functions that are there.
unknown_in_rustland() {
	local name
	{
		cat lua/REFERENCE.md
		grep -hoE 'X\([a-z_]+' bpf/abi.h runtime/engine.h runtime/report.h | sed 's/X(\(.*\)/`\1`/'
		table '| key | meaning |'
	} >"$dir/known"
	grep '^|' lua/RUSTLAND.md | cut -d'|' -f3 | grep -o '`[^`]*`' | tr -d '`' | sed 's/(.*//; s/ = .*//' |
		sort -u | while read -r name; do
		name=${name/scx.cpus\[i\]./cpu.}
		grep -qE "\`(task\.)?${name}[\`(]" "$dir/known" || echo "there is no $name"
	done
}
silent 'and names what scxlua has' unknown_in_rustland

drifted_code() {
	local code
	code=$(sed -n '/^```lua$/,/^```$/p' lua/RUSTLAND.md | sed '/^```/d')
	[[ $code && $(<policies/rr.lua) == *"$code"* ]] || echo "the code is not that of policies/rr.lua"
}
silent 'its code is that of policies/rr.lua' drifted_code

# ---- all pages: targets, paths, links ----

mapfile -t pages < <(ls README.md CONTRIBUTING.md lua/*.md policies/*.md)

# Code is what is indented or in backticks.
missing_targets() {
	local target
	{
		grep -hE '^    ' "${pages[@]}" | sed 's/#.*//'
		grep -hoE '`[^`]*`' "${pages[@]}"
	} | grep -oE '\bmake [a-z][a-z-]*' | cut -d' ' -f2 | sort -u | while read -r target; do
		grep -qE "^([a-z-]+ )*$target( [a-z-]+)*:( |\$)" Makefile tests/*/*.mk ||
			echo "no such target: make $target"
	done
}
silent "make's targets" missing_targets

# What a heading is called in a link.
anchors() {
	sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-'
}

broken_links() {
	local page link path
	for page in "${pages[@]}"; do
		# Code is not links.
		sed 's/`[^`]*`//g' "$page" | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//' | sort -u |
			while read -r link; do
				path=${link%%#*}
				path=${path:+${page%"${page##*/}"}$path}
				if [[ ! -e ${path:-$page} ]]; then
					echo "$page: no such file: $link"
				elif [[ $link == *#* ]] && ! anchors "${path:-$page}" | grep -qxF -- "${link#*#}"; then
					echo "$page: no such heading: $link"
				fi
			done
	done
}
silent 'links' broken_links

missing_files() {
	local path
	grep -hoE '`(bpf|runtime|lua|policies|tests)/[^` ]*`' "${pages[@]}" | tr -d '`' | sort -u |
		while read -r path; do
			[[ -e $path ]] || echo "no such file: $path"
		done
}
silent 'files' missing_files

echo "1..$n"
