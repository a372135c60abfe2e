#!/bin/bash
# The machine changes under the scheduler: CPUs go and come; and the load that the scx project's
# own CI puts on its schedulers.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

is_over() { ! kill -0 "$1" 2>/dev/null; }

nr=$(nproc)
if ((nr > 1)); then
	ok "K10 hotplug: starts" start -o builtin_idle=false policies/vtime.lua
	load_on
	canary_on
	for _ in 1 2 3 4 5; do
		echo 0 >/sys/devices/system/cpu/cpu1/online
		sleep 1
		echo 1 >/sys/devices/system/cpu/cpu1/online
		sleep 1
	done
	ok "K10 hotplug: attached" is "$(state)" = enabled
	canary_off
	load_off
	stop
	check_end "K10 hotplug"
fi

ok "stress: starts" start policies/fifo.lua
canary_on
stress-ng -t 31 --aggressive -M -c "$nr" -f "$nr" --affinity 1 --affinity-delay 1 --affinity-pin \
	--temp-path /tmp >"$run/stress" 2>&1 &
stress_pid=$!
wait_for 45 is_over "$stress_pid"
# Its children too: the scheduler is to be detached from a quiet machine.
kill -KILL "$stress_pid" 2>/dev/null
pkill -KILL stress-ng
ok "stress: attached" is "$(state)" = enabled
canary_off
stop
check_end "stress"
finish
