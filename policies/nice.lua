-- SPDX-License-Identifier: GPL-2.0-only
--
-- nice.lua - strict priorities by nice value, first come, first served within one; waiting raises.
--
-- Every nice value is a class: while one has somebody to run, those after it wait. So that they do
-- not wait for ever, a task goes up one class for every aging_us that it waits (the "feedback with
-- aging" of Unix and textbooks; Kleinrock's delay-dependent priorities, 1964). As all age at the
-- same rate, the order of two waiting tasks never changes: it is the order of
--     enqueue time + class * aging_us
-- which is all there is to compute. Nice 19 waits 39 * aging_us longer than nice -20 at most.
-- A task that wakes up interrupts the CPU that runs the worst class below its own.
-- Between CPU hogs a level is worth aging_us / slice_us slices: 4 to 1 with the defaults, against
-- 1.25 to 1 in the fair class. A bad choice where nice should mean a share: use vtime.lua.

local scx = require "scx"
local band = require("bit").band

local dispatch, opt = scx.dispatch, scx.opt
local CPU_ANY, PREEMPT, WAKEUP = scx.CPU_ANY, scx.PREEMPT, scx.WAKEUP

local running = scx.running() -- by nice value
local queue = scx.heap()      -- only of those that found the ring to the kernel full

local function enqueue(tasks, n)
	local slice_ns, aging_ns = opt.slice_us * 1000, opt.aging_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		local key = task.enqueue_ns + (task.nice + 20) * aging_ns
		local cpu = band(task.flags, WAKEUP) ~= 0 and running:victim(task, task.nice)
		if not dispatch(task, cpu or CPU_ANY, slice_ns, key, cpu and PREEMPT or 0) then
			queue:push(task, key)
		end
		running:set(task, task.nice)
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:peek()
		if task == nil or not dispatch(task, CPU_ANY, slice_ns, queue:key()) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "nice",
	options = {
		slice_us = { 3000, "time slice, microseconds", 100, 100000 },
		aging_us = { 10000, "waiting time that is worth one nice level, microseconds", 0, 100000 },
	},
	enqueue = enqueue,
	dispatch = dispatch_some,
}
