-- SPDX-License-Identifier: GPL-2.0-only
--
-- sjf.lua - shortest job first: the task whose next CPU burst is predicted to be shortest is next.
--
-- A burst is the CPU time between two sleeps. The next one is predicted to be as long as the
-- average of those before, the newest counting half (Silberschatz and Galvin; optimal for the mean
-- waiting time if the lengths were known: Smith, 1956). A slice does not end a burst: its rest is
-- what is missing to the prediction; one that has overrun it by x is expected to go on for x again,
-- so hogs come last. Nothing is interrupted, as this rule demands.
-- So that nobody waits for ever, time is cut into rounds of round_us: who began to wait in one goes
-- before all of the next, however long his burst. By vtime that is
--     start of the round + round_us * rest of the burst / longest_us
-- data[0] is the prediction in nanoseconds, data[1] the CPU time in bursts before it and data[2]
-- the number of sleeps. Blind to nice. A bad choice for a desktop: a short burst is the next one
-- to run, but not before a slice has ended, and a fresh hog is ahead of all that ran for longer.

local scx = require "scx"
local ewma, abs, min, max = scx.ewma, math.abs, math.min, math.max

local dispatch, opt = scx.dispatch, scx.opt
local CPU_ANY = scx.CPU_ANY

local NEWEST = 2 -- a burst counts for 1 / NEWEST of the prediction
local LIMIT_NS = 1e9 -- no burst is predicted to be longer
local queue = scx.heap() -- only of those that found the ring to the kernel full

-- Predicted rest of the task's burst, nanoseconds. Bursts that found an idle CPU are not seen
-- here, but they are in the counts of the thread: they are taken with their mean.
local function rest_of(task)
	local data = task.data
	local done = task.sum_exec_ns - task.exec_ns -- in bursts that are over
	local sleeps = task.nvcsw - data[2]
	if not (data[0] >= 0 and data[0] <= LIMIT_NS and data[1] >= 0 and sleeps >= 0) then
		data[0], data[1], data[2] = 0, done, task.nvcsw -- left by another policy
	elseif sleeps > 0 then
		data[0] = min(ewma(data[0], max(done - data[1], 0) / sleeps, NEWEST), LIMIT_NS)
		data[1], data[2] = done, task.nvcsw
	end
	return abs(data[0] - task.exec_ns)
end

local function enqueue(tasks, n)
	local slice_ns, round_ns = opt.slice_us * 1000, opt.round_us * 1000
	local longest_ns = opt.longest_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		local start_ns = task.enqueue_ns - task.enqueue_ns % round_ns
		local key = start_ns + min(rest_of(task) / longest_ns, 1) * round_ns
		if not dispatch(task, CPU_ANY, slice_ns, key) then
			queue:push(task, key)
		end
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
	name = "sjf",
	options = {
		slice_us = { 5000, "time slice, microseconds", 100, 100000 },
		longest_us = { 1e6, "bursts from here on count as equally long, microseconds", 100, 1e7 },
		round_us = { 200000, "how long a task is overtaken at most, microseconds", 1000, 1e6 },
	},
	enqueue = enqueue,
	dispatch = dispatch_some,
}
