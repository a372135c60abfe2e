-- SPDX-License-Identifier: GPL-2.0-only
--
-- vtime.lua - weighted fair sharing: whoever has had the least CPU time for its weight is next.
--
-- A task's virtual time advances with the CPU time it uses, scaled by 100 / weight, so nice
-- values count. The lowest goes first, from one heap in user space that is kept until a CPU asks
-- (as CFS did; see Documentation/scheduler/sched-design-CFS.rst, and scx_simple's vtime mode). A
-- task that slept keeps a credit of one slice at most, a new one starts level with the rest.
-- Units: nanoseconds of a weight-100 task. data[0] is the virtual time, data[1] the CPU time
-- charged so far. No notion of caches or CPU topology: a bad choice for large NUMA machines.

local scx = require "scx"

local dispatch, opt = scx.dispatch, scx.opt
local CPU_ANY = scx.CPU_ANY

local queue = scx.heap()
local vnow = scx.now() -- virtual time of the last task decided; starts at any positive number

-- Virtual time at which the task wants to run again, after being charged for what it has used.
local function charge(task, slice_ns)
	local data = task.data
	local v = data[0]
	local used = task.sum_exec_ns - data[1]
	data[1] = task.sum_exec_ns
	if v == 0 then
		v = vnow
	elseif used > 0 then
		v = v + used * 100 / task.weight
	end
	-- At most a slice behind, so that a long sleep is no licence to hog; and at most what the
	-- lowest weight pays for a slice ahead, so that numbers left by another policy do no harm.
	if v < vnow - slice_ns then
		v = vnow - slice_ns
	elseif v > vnow + slice_ns * 100 or v ~= v then
		v = vnow + slice_ns * 100
	end
	data[0] = v
	return v
end

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		local v = charge(task, slice_ns)
		if not queue:push(task, v) then
			dispatch(task, CPU_ANY, slice_ns, v)
		end
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:pop()
		if task == nil then
			break
		end
		local v = task.data[0]
		if v > vnow then
			vnow = v
		end
		if not dispatch(task, CPU_ANY, slice_ns, v) then
			queue:push(task, v)
			break
		end
	end
	return queue:len()
end

return {
	name = "vtime",
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
