#!/bin/bash
# SIGHUP: ten good edits take effect, six bad ones change nothing; the machine is never without
# its scheduler.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

script=$run/edited.lua

failures() { lines 'reload failed'; }
more_than() { is "$($1)" -gt "$2"; }
is_applied() { [[ $(last_line "$run/stats") == *"slice $1 us" ]]; }
last_line_is() { [[ $(last_line "$run/log") =~ $1 ]]; }

with_slice fifo 5000 >"$script"
ok "starts" start -o builtin_idle=false "$script"
load_on
canary_on
wait_for 10 is_applied 5000
for slice in 1000 2000 3000 4000 6000 7000 8000 9000 10000 11000; do
	before=$(reloads)
	with_slice fifo $slice | edit
	ok "slice $slice: reloaded" wait_for 30 more_than reloads "$before"
	ok "slice $slice: is what the kernel applies" wait_for 15 is_applied $slice
done

# bad NAME FILE:LINE-PATTERN: an edit (on stdin) that must be refused with one line.
bad() {
	local before nr_lines
	before=$(failures)
	nr_lines=$(lines '')
	edit
	ok "$1: refused" wait_for 60 more_than failures "$before"
	ok "$1: one line that names $2" last_line_is "reload failed.*$2"
	ok "$1: no other line" is "$(lines '')" -eq $((nr_lines + 1))
	ok "$1: the old policy decides" is_applied 11000
}

bad "syntax error" 'edited\.lua:2' <<'L'
local scx = require "scx"
local function enqueue(tasks n) end
return { name = "bad", enqueue = enqueue }
L
bad "error at load" 'edited\.lua:2' <<'L'
local scx = require "scx"
local x = nil + 1
return { name = "bad", enqueue = function() end }
L
bad "missing hook" 'edited\.lua:[0-9]+.*enqueue' <<'L'
local scx = require "scx"
return { name = "bad", dispatch = function() return 0 end }
L
bad "unknown key" 'edited\.lua:[0-9]+.*enqeue' <<'L'
local scx = require "scx"
return { name = "bad", enqeue = function() end, enqueue = function() end }
L
bad "endless loop at load" 'edited\.lua:[0-9]+' <<'L'
local scx = require "scx"
while true do end
return { name = "bad", enqueue = function() end }
L
bad "endless loop in enqueue" 'edited\.lua:[0-9]+' <<'L'
local scx = require "scx"
return { name = "bad", enqueue = function() while true do end end }
L
# State that is in no task: export() of the old worker, import() of the new one.
carry() {
	cat <<-'L'
		local scx = require "scx"
		local slice_us = 5000
		return {
			name = "carry",
			enqueue = function(tasks, n)
				for i = 0, n - 1 do
					scx.dispatch(tasks[i], scx.CPU_ANY, slice_us * 1000)
				end
			end,
			export = function() return { slice_us = slice_us + 1000 } end,
			import = function(state) slice_us = state.slice_us end,
		}
	L
}
for slice in 5000 6000; do
	before=$(reloads)
	carry | edit
	ok "carry $slice: reloaded" wait_for 30 more_than reloads "$before"
	ok "carry $slice: is what the kernel applies" wait_for 15 is_applied $slice
done

canary_off
load_off
ok "enable_seq is unchanged" is "$(enable_seq)" -eq "$seq_at_start"
stop
check_end "reloads"
ok "12 reloads counted" is "$(num reloads)" -eq 12
ok "6 failures counted" is "$(num reload_failures)" -eq 6
ok "no worker was lost" is "$(($(num worker_crashes) + $(num worker_overruns) + $(num worker_restarts)))" -eq 0
finish
