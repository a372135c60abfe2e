#!/bin/bash
# What a policy can ask, on the real kernel: affinities, idle CPUs, topology, kicks, its own figures.
# Wants 2 last-level caches of 2 siblings each: boot with -c sockets=2,cores=1,threads=2.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

# stat NAME: what the policy put into stats().
stat() { sed -n "/\"policy_stats\"/,/}/s/^ *\"$1\": \\([0-9]*\\).*/\\1/p" "$run/json"; }

wrong_are_few() {
	say "asked for $(stat allowed) tasks: $(stat wrong) answers were older than the task's affinity"
	is "$(($(stat wrong) * 100))" -le "$(stat allowed)"
}

ok 'starts' start policies/asks.lua
ok 'topology: 2 cores, 2 caches, 1 node' grep -q 'topology: 2 cores 2 llcs 1 nodes, capacity 1024' "$run/log"
load_on
canary_on
stress-ng -t 20 --affinity 2 --affinity-delay 100000 >/dev/null 2>&1 &
sleep 10
mkdir -p /sys/fs/cgroup/asks
echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
echo 300 >/sys/fs/cgroup/asks/cpu.weight
sh -c 'echo $$ >/sys/fs/cgroup/asks/cgroup.procs; exec timeout 3 sh -c "while sleep 0.01; do :; done"'
canary_off
load_off
pkill stress-ng
sleep 2
stop
check_end asks
ok 'affinities are as the kernel says' wrong_are_few
ok 'affinities were told' is "$(stat allowed)" -gt 1000
ok 'idle CPUs were found' is "$(stat picked)" -gt 0
ok 'the cgroup with another weight was seen' is "$(stat weights)" -gt 10
ok 'tasks were held, queued, running' is "$(($(stat held) > 0 && $(stat running) > 1))" -eq 1
ok 'kicks reached the kernel' is "$(num kicks)" -gt 0
ok 'no decision for a CPU that the task may not use' is "$(num bounced)" -le 20
ok 'the default slice was set by the policy' grep -Eq '"applied_slice_ns": (3|4)000000' "$run/json"
ok 'the live line shows the figures of the policy' grep -q '| allowed [0-9.e+]* held ' "$run/stats"
ok 'no page fault in the worker' is "$(num page_faults)" -eq 0
say "picked $(stat picked), missed $(num idle_missed), bounced $(num bounced), kicks $(num kicks)"
finish
