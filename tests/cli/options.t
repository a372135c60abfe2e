#!/bin/bash
# The command line without a scheduler (TAP): what is printed where, and the exit status.
#
#   tests/cli/options.t        $SCXLUA names the binary (default build/scxlua)
#
# As root it also drops to another user for the tests that need one. Attaches nothing: what would
# attach is only run where the kernel has no sched_ext, or without root.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
scxlua=${SCXLUA:-build/scxlua}
export SCXLUA_LIBDIR=${SCXLUA_LIBDIR:-$PWD/lua} # a sanitizer's build lies elsewhere
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
n=0

# The user that is not root: we, or nobody.
as_nobody=()
((EUID)) || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

result() {
	local what=$1
	shift
	if "$@"; then
		echo "ok $((++n)) - $what"
	else
		echo "not ok $((++n)) - $what"
		echo "# exit status $status, printed:"
		sed 's/^/#   /' "$dir/out" "$dir/err"
	fi
}

skip() {
	echo "ok $((++n)) - $1 # SKIP $2"
}

# run [ARG]...: leaves $dir/out, $dir/err and status.
run() {
	status=0
	"${prefix[@]}" "$scxlua" "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
}

# says STATUS LINE: that status, nothing on stdout, and this line alone on stderr.
says() {
	[[ $status == "$1" && ! -s $dir/out && $(cat "$dir/err") == "scxlua: $2" ]]
}

# refused STATUS LINE [ARG]...: one test of an argument list.
refused() {
	local want=$1 line=$2 what
	shift 2
	run "$@"
	what=${*:-an empty command line}
	result "refuses ${what//$dir/DIR}" says "$want" "$line"
}

prefix=()

# ---- --help and --version ----

cat >"$dir/help" <<'END'
usage: scxlua [OPTION]... POLICY.lua
       scxlua run [OPTION]... POLICY.lua -- CMD...
       scxlua check [-o KEY=VALUE]... [--json -] POLICY.lua
       scxlua status [--json -]
       scxlua reload [FILE]
       scxlua set KEY=VALUE...
       scxlua top

Makes a Lua script the CPU scheduler of this machine, until Ctrl-C. SIGHUP reloads
the script.

  run POLICY.lua -- CMD...     schedule only CMD and what it starts; end when it ends
  check POLICY.lua             try a policy on made-up tasks: no root, no kernel support needed
  status                       print what runs and how it is
  reload [FILE]                reload the running script, or FILE, and print the outcome
  set KEY=VALUE...             set options of the running policy, or builtin_idle
  top                          print the live line of what runs every second

  -o, --option KEY=VALUE       set an option of the policy; repeatable
  -s, --slice-us US            slice where no decision gives one; at most --max-slice-us (100..1000000, default 20000)
  -p, --partial                schedule only tasks of class SCHED_EXT
  -v, --verbose                show libbpf's messages
  -V, --version                print the version and exit
  -h, --help                   print this and exit
      --stats SECS             print a line of statistics every SECS (1..3600)
      --monitor SECS           only print that line, of the scxlua that runs or will run (1..3600)
      --help-stats             print what the statistics mean and exit
      --json FILE              write all counters to FILE at exit, - for standard output
      --exit-dump-len BYTES    length of the kernel's dump after an ejection (1024..16777216, default 32768)
      --max-slice-us US        upper limit of all slices (100..1000000, default 100000)
      --hold-ms MS             an undecided task older than this may be taken by an idle CPU (1..1000, default 20)
      --starve-ms MS           a task that has not run for this long goes first; at most half of --timeout-ms (10..1000, default 500)
      --budget-ms MS           CPU time that one call of the policy may take (1..10000, default 100)
      --late-ms MS             bypass a worker that gave no sign of life for this long (150..2000, default 250)
      --timeout-ms MS          the kernel's watchdog (1000..30000, default 5000)
      --lua-mem MIB            memory of the Lua state (4..2048, default 64)
      --max-tasks N            threads that the policy can know at once (64..1048576, default 32768)
      --kthreads               ask the policy about kernel threads too (not per-CPU ones)
      --no-sandbox             let the policy do all that root may: files, sockets, processes
      --allow-unsafe-path      use a policy file that other users can change
      --fault NAME=N           for tests: inject a fault or turn off a guard

Exit status:
   0  ended on request (signal, SysRq-S) or as the kernel asked
   1  an error that is none of the others; `check`: the policy works but is wrong
   2  bad option, or a policy that cannot be used; nothing was attached
   3  not enough privileges
   4  the kernel has no BTF
   5  the kernel has no sched_ext
   6  another scheduler is attached
   7  the BPF JIT is off
   8  a resource limit is too low
   9  the kernel refused the BPF programs
  10  the kernel ejected the scheduler
  11  memory cannot be made executable (`MemoryDenyWriteExecute`)
 126  `run`: the command cannot be executed
 127  `run`: there is no such command
END
is_help() {
	[[ $status == 0 && ! -s $dir/err ]] && diff "$dir/help" "$dir/out" >"$dir/diff"
}
run --help
result '--help' is_help
[[ ! -s $dir/diff ]] || sed 's/^/# /' "$dir/diff"
run -h policies/fifo.lua extra
result '-h, whatever else there is' is_help
run -h "--stats=0"
result 'an error in an option comes before -h' \
	says 2 '--stats: expected 1..3600, got 0'

is_version() {
	[[ $status == 0 && ! -s $dir/err ]] &&
		grep -qxE 'scxlua [0-9]+(\.[0-9]+)+ \(ABI [0-9]+\)' "$dir/out" &&
		[[ $(wc -l <"$dir/out") == 1 ]]
}
run -V
result '-V' is_version
run --version
result '--version' is_version

# ---- usage ----

none='no policy given; try scxlua policies/fifo.lua'
refused 2 "$none"
refused 2 "$none" --
refused 2 "$none" check
refused 2 'one policy only: b.lua is too many' a.lua b.lua
refused 2 'one policy only: b.lua is too many' check a.lua b.lua
refused 2 '--nonsense: unknown option; --help lists the options' --nonsense a.lua
refused 2 '-x: unknown option; --help lists the options' -x a.lua
refused 2 '-z: unknown option; --help lists the options' -vz a.lua
refused 2 '--partial=1: it takes no argument; --help lists the options' --partial=1 a.lua
refused 2 '-x: unknown option; --help lists the options' a.lua -x
for option in -o -s --option --slice-us --stats --json --hold-ms --fault; do
	refused 2 "$option: its argument is missing; --help lists the options" "$option"
done

wanted='run: expected POLICY.lua -- CMD...'
refused 2 "$wanted" run
refused 2 "$wanted" run a.lua
refused 2 "$wanted" run a.lua true
refused 2 "$wanted" run a.lua --
refused 2 '-x: unknown option; --help lists the options' run -x a.lua -- true
refused 2 "cannot read $dir/none.lua: No such file or directory" run "$dir/none.lua" -- true -x

# Every number: one below, one above, and what is not one. From --help, so none is left out.
ranges=$(sed -n 's/^.* --\([a-z-]*\) [A-Z]* .*(\([0-9]*\)\.\.\([0-9]*\), default.*/\1 \2 \3/p' "$dir/help")
while read -r name min max; do
	refused 2 "--$name: expected $min..$max, got $((min - 1))" "--$name" $((min - 1)) a.lua
	refused 2 "--$name: expected $min..$max, got $((max + 1))" "--$name" $((max + 1)) a.lua
done <<<"$ranges"
late='or the kernel ends the scheduler before its guards act'
refused 2 "--starve-ms 600: at most half of --timeout-ms (1000), $late" --starve-ms 600 --timeout-ms 1000 a.lua
refused 2 "--hold-ms 501: at most half of --timeout-ms (1000), $late" --timeout-ms 1000 --hold-ms 501 a.lua
expected='--slice-us: expected 100..1000000, got'
for value in x 5000x 5e3 0x2000 -5000 5000.5 18446744073709551616; do
	refused 2 "$expected $value" -s "$value" a.lua
done
run -s '' a.lua
result 'refuses an empty number' says 2 "$expected "

refused 2 '-o: expected KEY=VALUE, got novalue' -o novalue a.lua
refused 2 '-o: expected KEY=VALUE, got =value' -o =value a.lua
many=()
for ((i = 0; i < 65; i++)); do
	many+=(-o "k$i=v")
done
run "${many[@]}" a.lua
result 'refuses 65 options of the policy' says 2 '-o: more than 64 options'
refused 2 '--fault: unknown fault bogus' --fault bogus a.lua
refused 2 '--fault: unknown fault dro=1' --fault dro=1 a.lua
refused 2 '--fault: expected NAME=N, got drop=x' --fault drop=x a.lua

# ---- files that are no policy ----

refused 2 "cannot read $dir/none.lua: No such file or directory" "$dir/none.lua"
refused 2 "cannot read $dir: it is a directory, not a file" "$dir"
refused 2 'cannot read /dev/null: it is a device or pipe, not a file' /dev/null
mkfifo "$dir/fifo.lua"
refused 2 "cannot read $dir/fifo.lua: it is a device or pipe, not a file" "$dir/fifo.lua"
truncate -s 1048577 "$dir/large.lua"
refused 2 "cannot read $dir/large.lua: 1048577 bytes, a policy has at most 1048576" "$dir/large.lua"
printf '\033LJ\002' >"$dir/code.lua"
refused 2 "$dir/code.lua is LuaJIT bytecode: a policy is loaded as text only" "$dir/code.lua"
touch "$dir/secret.lua"
chmod 0 "$dir/secret.lua"
prefix=("${as_nobody[@]}")
refused 2 "cannot read $dir/secret.lua: Permission denied" "$dir/secret.lua"
prefix=()

# ---- files that others can change ----

cp policies/fifo.lua "$dir/open.lua"
chmod 666 "$dir/open.lua"
if ((EUID)); then
	skip 'a policy that everyone can write' 'needs root'
	skip 'a policy of another user' 'needs root'
else
	refused 2 "$dir/open.lua is not safe to run: $dir/open.lua can be written by everyone (mode 0666); \
chmod go-w it, or insist with --allow-unsafe-path" "$dir/open.lua"
	chmod 644 "$dir/open.lua"
	chown 54321 "$dir/open.lua"
	refused 2 "$dir/open.lua is not safe to run: $dir/open.lua belongs to user 54321, not to root or the \
user who called sudo; make a copy that is yours, or insist with --allow-unsafe-path" "$dir/open.lua"
	chown 0 "$dir/open.lua"
fi

# ---- machines that cannot ----

# As in a unit of systemd with MemoryDenyWriteExecute=yes: PR_SET_MDWE, then the program.
no_exec=(luajit -joff tests/cli/no_exec.lua)
denied="memory cannot be made executable (Permission denied), and LuaJIT needs that: \
MemoryDenyWriteExecute (PR_SET_MDWE) is on for this process; set MemoryDenyWriteExecute=no in its unit"
if "${no_exec[@]}" true; then
	prefix=("${no_exec[@]}")
	refused 11 "$denied" policies/fifo.lua
	refused 11 "$denied" check policies/fifo.lua
	run --version
	result 'a version can be printed there too' is_version
	prefix=()
else
	skip 'MemoryDenyWriteExecute' 'no PR_SET_MDWE before Linux 6.3'
	skip 'MemoryDenyWriteExecute, check' 'no PR_SET_MDWE before Linux 6.3'
	skip 'MemoryDenyWriteExecute, --version' 'no PR_SET_MDWE before Linux 6.3'
fi

# The binary may be where another user cannot go.
cp "$scxlua" "$dir/scxlua"
saved=$scxlua
scxlua=$dir/scxlua
prefix=("${as_nobody[@]}")
cp policies/fifo.lua "$dir/good.lua"
chmod 644 "$dir/good.lua"
refused 3 "scheduling this machine needs root (CAP_BPF, CAP_PERFMON, CAP_SYS_NICE); run it with \
sudo, or try \`scxlua check POLICY\`, which needs nothing" "$dir/good.lua"
refused 3 "scheduling this machine needs root (CAP_BPF, CAP_PERFMON, CAP_SYS_NICE); run it with \
sudo, or try \`scxlua check POLICY\`, which needs nothing" run -v "$dir/good.lua" -- touch "$dir/started"
result 'nor was its command started' test ! -e "$dir/started"
scxlua=$saved
prefix=()

if ((EUID)); then
	skip 'a kernel without sched_ext' 'needs root'
elif [[ -e /sys/kernel/sched_ext/state ]]; then
	skip 'a kernel without sched_ext' 'this one has it'
elif [[ ! -r /sys/kernel/btf/vmlinux ]]; then
	skip 'a kernel without sched_ext' 'this one has no BTF either'
else
	run policies/fifo.lua
	result 'a kernel without sched_ext' says 5 "/sys/kernel/sched_ext/state: No such file or \
directory: this kernel has no sched_ext; it needs Linux 6.12 or later with \
CONFIG_SCHED_CLASS_EXT=y, or try \`make run\`, which boots one in a VM"
fi

# ---- options of the policy, through check ----

# complains STATUS LINE: check says so about policies/fifo.lua.
complains() {
	[[ $status == "$1" && ! -s $dir/err ]] && grep -qxF "  $2" "$dir/out"
}
run check -o slice_us=99 policies/fifo.lua
result 'an option of the policy out of range' \
	complains 2 'slice_us: expected 100..100000, got 99'
run check -o slice_us=fast policies/fifo.lua
result 'an option of the policy that is no number' \
	complains 2 'slice_us: expected 100..100000, got "fast"'
run check -o slice=1000 policies/fifo.lua
result 'an option that the policy does not have' \
	complains 2 'no option "slice" in this policy; it has: slice_us, builtin_idle'
run check -o slice_us=99 -o builtin_idle=off -o slice_us=3000 policies/fifo.lua
result 'each of several settings is checked' \
	complains 2 'slice_us: expected 100..100000, got 99'
run check -o builtin_idle=maybe policies/fifo.lua
result 'builtin_idle is true or false' \
	complains 2 'builtin_idle: expected true or false, got "maybe"'

echo "1..$n"
