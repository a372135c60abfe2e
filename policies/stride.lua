-- SPDX-License-Identifier: GPL-2.0-only
--
-- stride.lua - stride scheduling: tickets buy slices at regular distances, with nothing random.
--
-- A task's stride is STRIDE1 / weight, its pass the time of its next turn: the lowest pass goes
-- first and then advances by one stride per slice used, a part of a slice for a part of a stride
-- (C. A. Waldspurger and W. E. Weihl, Stride Scheduling, MIT/LCS/TM-528, 1995). The global pass is
-- that of the task that ran last. A task that sleeps leaves with its distance to the global pass
-- and comes back with the same, so sleeping earns nothing and costs nothing.
-- Units: passes, STRIDE1 for a slice with one ticket. data[0] is the pass, data[1] the CPU time
-- charged so far, data[2] the distance to the global pass when the task was last chosen.
-- A bad choice where tasks that sleep a lot must run at once: they get their share, late.

local scx = require "scx"
local bit = require "bit"

local dispatch, opt, band, max = scx.dispatch, scx.opt, bit.band, math.max
local CPU_ANY, JOINS = scx.CPU_ANY, scx.WAKEUP + scx.NEW
local STRIDE1 = 2 ^ 20
local TICK_NS = 1e7 -- a slice ends at a tick of the kernel, this much later at most
local MOST_AHEAD = 2 * STRIDE1 * TICK_NS / 1e5 -- for one ticket and the shortest slice

local queue = scx.heap()
local global_pass = STRIDE1

-- The pass with which a task competes. Whatever data[] holds: nobody is further behind than what
-- one ticket pays for a slice, nor further ahead than two slices (that end at a tick) cost it.
local function pass_of(task, slice_ns)
	local data = task.data
	local pass, used = data[0], task.sum_exec_ns - data[1]
	if used > 0 and pass > global_pass and pass <= global_pass + MOST_AHEAD then
		global_pass = pass -- it has run, from there on
	end
	if pass == 0 then
		pass, used = global_pass, 0
	elseif band(task.flags, JOINS) ~= 0 then
		pass = global_pass + data[2]
	end
	if used > 0 then
		pass = pass + STRIDE1 / task.weight * (used / slice_ns)
	end
	local ahead = 2 * STRIDE1 / task.weight * max(1, TICK_NS / slice_ns)
	if pass < global_pass - STRIDE1 then
		pass = global_pass - STRIDE1
	elseif pass > global_pass + ahead or pass ~= pass then
		pass = global_pass + ahead
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
		if pass >= STRIDE1 and pass < 2 ^ 62 then
			global_pass = pass
		end
	end,
}
