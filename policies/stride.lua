-- SPDX-License-Identifier: GPL-2.0-only
--
-- stride.lua - stride scheduling: tickets buy slices at regular distances, with nothing random.
--
-- A task's stride is STRIDE1 / weight, its pass the time of its next turn: the lowest pass goes
-- first and then advances by one stride per slice used, a part of a slice for a part of a stride
-- (C. A. Waldspurger and W. E. Weihl, Stride Scheduling, MIT/LCS/TM-528, 1995). The global pass is
-- that of the last task chosen. A task that sleeps leaves with its distance to the global pass and
-- comes back with the same, so sleeping earns nothing and costs nothing.
-- Units: passes, STRIDE1 for a slice with one ticket. data[0] is the pass, data[1] the CPU time
-- charged so far, data[2] the distance to the global pass when the task was last chosen.
-- A bad choice where tasks that sleep a lot must run at once: they get their share, late.

local scx = require "scx"
local bit = require "bit"

local dispatch, opt, band = scx.dispatch, scx.opt, bit.band
local CPU_ANY, JOINS = scx.CPU_ANY, scx.WAKEUP + scx.NEW
local STRIDE1 = 2 ^ 20

local queue = scx.heap()
local global_pass = STRIDE1

-- The pass with which a task competes. STRIDE1 is what one ticket pays for a slice: nobody needs
-- to be further behind or ahead, whatever data[] holds.
local function pass_of(task, slice_ns)
	local data = task.data
	local pass, used = data[0], task.sum_exec_ns - data[1]
	if pass == 0 then
		pass, used = global_pass, 0
	elseif band(task.flags, JOINS) ~= 0 then
		pass = global_pass + data[2]
	end
	if used > 0 then
		pass = pass + STRIDE1 / task.weight * (used / slice_ns)
	end
	if pass < global_pass - STRIDE1 then
		pass = global_pass - STRIDE1
	elseif pass > global_pass + STRIDE1 or pass ~= pass then
		pass = global_pass + STRIDE1
	end
	data[0], data[1] = pass, task.sum_exec_ns
	return pass
end

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		local pass = pass_of(task, slice_ns)
		if not queue:push(task, pass) then
			dispatch(task, CPU_ANY, slice_ns, pass)
		end
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:peek()
		if task == nil then
			break
		end
		local pass = task.data[0]
		if not dispatch(task, CPU_ANY, slice_ns, pass) then
			break
		end
		queue:pop()
		if pass > global_pass then
			global_pass = pass
		end
		task.data[2] = pass - global_pass
	end
	return queue:len()
end

return {
	name = "stride",
	options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } },
	enqueue = enqueue,
	dispatch = dispatch_some,
	export = function()
		return { global_pass = global_pass }
	end,
	import = function(state)
		local pass = tonumber(state.global_pass) or 0
		if pass >= STRIDE1 and pass < 2 ^ 53 then
			global_pass = pass
		end
	end,
}
