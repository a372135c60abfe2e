-- SPDX-License-Identifier: GPL-2.0-only
--
-- smt.lua - whole cores first: two tasks share a core only when every core has one.
--
-- CPUs of one core (SMT siblings) share its execution units, so a task that has a core to itself
-- runs up to twice as fast as two that share one. First come, first served; who is first gets an
-- idle CPU whose siblings are all idle, as near to its last one as possible; if there is none, any
-- idle CPU; if there is none, whichever is free first. The order is that of scx.pick_idle(),
-- which has it from the kernel's scx_select_cpu_dfl(). A task that goes on because nobody
-- waits is not moved when a core becomes idle: no policy is asked then.
-- Units: nanoseconds. Nice has no effect. A bad choice where tasks that share data gain more from
-- a common core than they lose by it; without SMT no better than fifo.lua.

local scx = require "scx"

local dispatch, pick_idle, opt = scx.dispatch, scx.pick_idle, scx.opt
local CPU_ANY, IF_IDLE = scx.CPU_ANY, scx.IF_IDLE

local queue = scx.fifo()

local function enqueue(tasks, n)
	for i = 0, n - 1 do
		if not queue:push(tasks[i]) then
			dispatch(tasks[i], CPU_ANY, opt.slice_us * 1000)
		end
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:peek()
		if not task then
			break
		end
		local cpu = pick_idle(task)
		if not dispatch(task, cpu or CPU_ANY, slice_ns, nil, cpu and IF_IDLE or 0) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "smt",
	options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } },
	builtin_idle = false, -- the policy is to find the idle CPU
	enqueue = enqueue,
	dispatch = dispatch_some,
}
