-- SPDX-License-Identifier: GPL-2.0-only
--
-- vtime.lua - weighted fair sharing: whoever has had the least CPU time for its weight is next.
--
-- A task's virtual time advances with the CPU time it uses, scaled by 100 / weight, so nice
-- values count. The lowest goes first, from one heap in user space that is kept until a CPU asks
-- (as CFS did; see Documentation/scheduler/sched-design-CFS.rst, and scx_simple's vtime mode). A
-- task that slept keeps a credit of one slice at most, a new one starts level with the rest.
-- Units: nanoseconds of a weight-100 task; data[0] and data[1] are the clock's (scx.vclock()).
-- No notion of caches or CPU topology: a bad choice for large NUMA machines.

local scx = require "scx"

local dispatch, opt = scx.dispatch, scx.opt
local CPU_ANY = scx.CPU_ANY

local queue = scx.heap()
local clock = scx.vclock()

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		local v = clock:charge(task, task.weight, slice_ns)
		if not queue:push(task, v) then
			dispatch(task, CPU_ANY, slice_ns, v)
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
		if not dispatch(task, CPU_ANY, slice_ns, task.data[0]) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "vtime",
	options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } },
	enqueue = enqueue,
	dispatch = dispatch_some,
	export = function()
		return { vnow = clock.now }
	end,
	import = function(state)
		clock:resume(state.vnow)
	end,
}
