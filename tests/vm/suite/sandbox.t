#!/bin/bash
# S25: policies that try to leave their process through FFI, from enqueue() and from init(), by
# reloads of one scheduler under load. Each is ended with a line that names the call, the script
# before it goes on, and the machine never notices. S27: files that others can change.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

script=$run/edited.lua

more_than() { is "$(lines "$1")" -gt "$2"; }
none() { is "$(lines "$1")" -eq 0; }

# fifo decides: two live lines in a row say so.
fifo_decides() {
	local all decides='^fifo#[0-9]+: queued [1-9]'
	mapfile -t all <"$run/stats"
	((${#all[@]} > 1)) && [[ ${all[-1]} =~ $decides && ${all[-2]} =~ $decides ]]
}

# breach NAME AT_INIT: the policy that does NAME becomes the script.
breach() {
	local text
	text=$(<policies/breach.lua)
	edit <<<"${text/at_init, supervisor = \"open\", false, 1/at_init, supervisor = \"$1\", $2, $scx_pid}"
}

in_enqueue() {
	local ended="edited\\.lua:[0-9]+: enqueue\\(\\): the policy made the system call $2, which a policy may not"
	breach "$1" false
	ok "S25 $1 in enqueue(): the log names $2" wait_for 20 more_than "$ended.*back to the last script" 0
	ok "S25 $1 in enqueue(): it was not done" none "$1 was done"
}

in_init() {
	local ended="reload failed.*edited\\.lua: while loading: the policy made the system call $2, which a policy may not"
	breach "$1" true
	ok "S25 $1 in init(): the log names $2" wait_for 20 more_than "$ended" 0
	ok "S25 $1 in init(): it was not done" none "$1 was done"
}

cp policies/fifo.lua "$script"
ok "starts" start -o builtin_idle=false "$script"
is "$(state)" = enabled || finish
load_on
canary_on
# fork() of glibc 2.41 blocks all signals first, so that nobody is told the call.
calls=(open:openat connect:socket 'fork:(clone|.unknown: signals were blocked.)' ptrace:ptrace kill:kill bpf:bpf setuid:setuid capset:capset)
for call in "${calls[@]}"; do
	in_init "${call%%:*}" "${call#*:}"
	in_enqueue "${call%%:*}" "${call#*:}"
done

breach cpus false
ok "S24 BPF's memory cannot be made writable" wait_for 20 more_than 'mprotect gave -1' 0
ok "S24 a write to it ends the worker" wait_for 5 more_than 'killed by signal 11 .* in enqueue' 0

cp policies/fifo.lua "$script"
chmod 666 "$script"
kill -HUP "$scx_pid"
ok "S27: a file that everyone can write is refused at reload" wait_for 5 more_than \
	'reload failed, the running policy goes on: .*edited\.lua can be written by everyone' 0
ok "fifo decides" wait_for 15 fifo_decides
ok "the scheduler is attached" is "$(state)" = enabled
ok "enable_seq is unchanged" is "$(enable_seq)" -eq "$seq_at_start"
canary_off
load_off
stop
check_end "breaches"
ok "each breach is counted" is "$(num sandbox_kills)" -eq $((2 * ${#calls[@]}))
ok "each breach in init() is a failed reload" is "$(num reload_failures)" -eq $((${#calls[@]} + 1))
ok "the others are rolled back" is "$(num rollbacks)" -eq $((${#calls[@]} + 1))

# refused STATUS PATTERN [ARG]...: does not start, and says so.
refused() {
	local want=$1 pattern=$2
	shift 2
	build/scxlua "$@" >"$run/out" 2>&1
	status=$?
	is "$status" -eq "$want" && grep -q "$pattern" "$run/out" && is "$(state)" = disabled
}
ok "S27: nor does it start with such a file" refused 2 'is not safe to run' "$script"
chown 1000 "$script"
chmod 644 "$script"
ok "S27: nor with somebody else's" refused 2 'belongs to user 1000' "$script"
export SUDO_UID=1000
ok "S27: with that of who called sudo it starts" start "$script"
stop
unset SUDO_UID

sed 's/at_init, supervisor = "open", false/at_init, supervisor = "open", true/' policies/breach.lua >"$script"
ok "--no-sandbox, --allow-unsafe-path: starts" start --no-sandbox --allow-unsafe-path "$script"
ok "--no-sandbox: the call is made" grep -qE 'open was done: [0-9]' "$run/log"
ok "--no-sandbox: the log says what that means" grep -q 'no-sandbox: the policy runs as root' "$run/log"
stop
ok "--no-sandbox: no kill" is "$(num sandbox_kills)" -eq 0
finish
