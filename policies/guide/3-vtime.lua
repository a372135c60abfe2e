-- SPDX-License-Identifier: GPL-2.0-only
--
-- 3-vtime.lua - fair shares by virtual time: step 3 of policies/GUIDE.md.
--
-- A task's virtual time, data[0], grows with the CPU time it uses, slower the heavier it is. The
-- lowest goes first. data[1] is the CPU time that has been charged. Units: nanoseconds.

local scx = require "scx"

local dispatch, opt, CPU_ANY = scx.dispatch, scx.opt, scx.CPU_ANY
local max = math.max

local queue = scx.heap()
local vnow = 1 -- the virtual time from which a task ran last

-- Charges a task for what it has used since the last call.
local function charge(task, slice_ns)
	local data = task.data
	local used = task.sum_exec_ns - data[1]
	local v = data[0]
	data[1] = task.sum_exec_ns
	if v == 0 then
		v = vnow -- a new thread starts level with the rest
	elseif used > 0 then
		vnow = max(vnow, v) -- it has run, from there on
		v = v + used * 100 / task.weight
	end
	v = max(v, vnow - slice_ns) -- a long sleep is worth one slice, not more
	data[0] = v
	return v
end

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local v = charge(tasks[i], slice_ns)
		if not queue:push(tasks[i], v) then
			dispatch(tasks[i], CPU_ANY, slice_ns, v)
		end
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:peek()
		if not task or not dispatch(task, CPU_ANY, slice_ns, task.data[0]) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "guide-vtime",
	options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } },
	enqueue = enqueue,
	dispatch = dispatch_some,
	export = function()
		return { vnow = vnow }
	end,
	import = function(state)
		vnow = tonumber(state.vnow) or vnow
	end,
}
