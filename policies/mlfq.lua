-- SPDX-License-Identifier: GPL-2.0-only
--
-- mlfq.lua - multi-level feedback queue: who uses little CPU time goes first, without being asked.
--
-- A thread starts at level 0. At level l its slice is slice_us * 2^l; once it has used `slices` of
-- them there it is one level down, where everybody above goes first. The time is added up however
-- often it sleeps or yields in between, so giving up the CPU just before a slice ends gains
-- nothing. Every boost_ms a thread starts again at level 0, each at its own time by its pid, so
-- that not all of them come up at once. (Corbato, CTSS, 1962; the rules are those of
-- Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter 8.) A wakeup interrupts a CPU
-- that runs a lower level.
-- Who waits is not forgotten until the boost: the lowest level is wait_ms of vtime behind level 0,
-- those between in proportion. That must be longer than a round of the hogs, or levels blur.
-- data[0] is the level, data[1] the CPU time at which it was entered, data[2] the boost's number.
-- Blind to nice. A bad choice where like threads must get equal shares, and for work in bursts
-- longer than the top levels allow: it is taken for a hog until the next boost.

local scx = require "scx"
local band = require("bit").band
local floor, max, min = math.floor, math.max, math.min

local dispatch, opt = scx.dispatch, scx.opt
local CPU_ANY, PREEMPT, WAKEUP = scx.CPU_ANY, scx.PREEMPT, scx.WAKEUP

local PHASE = 0.6180339887 -- golden ratio: pids in a row are spread over the period evenly
local running = scx.running() -- by level
local queue = scx.heap()      -- only of those that found the ring to the kernel full

-- The task's level, after it was charged for what it has used.
local function level_of(task, allotment_ns, levels, boost_ns)
	local data = task.data
	local boost = floor(task.enqueue_ns / boost_ns + task.pid * PHASE)
	local level, used = data[0], task.sum_exec_ns - data[1]
	-- Also a new thread, and whatever another policy has left there.
	if data[2] ~= boost or not (used >= 0 and level >= 0 and level < levels) then
		level, data[1], data[2] = 0, task.sum_exec_ns, boost
	elseif level < levels - 1 and used >= allotment_ns * 2 ^ level then
		level, data[1] = level + 1, task.sum_exec_ns
	end
	data[0] = level
	return level
end

-- Twice as long at each level, up to what --max-slice-us is unless it is set.
local function slice_of(slice_ns, level)
	return min(slice_ns * 2 ^ level, 1e8)
end

local function enqueue(tasks, n)
	local slice_ns, levels, boost_ns = opt.slice_us * 1000, opt.levels, opt.boost_ms * 1e6
	local gap_ns = opt.wait_ms * 1e6 / max(levels - 1, 1)
	for i = 0, n - 1 do
		local task = tasks[i]
		local level = level_of(task, slice_ns * opt.slices, levels, boost_ns)
		local key = task.enqueue_ns + level * gap_ns
		local cpu = band(task.flags, WAKEUP) ~= 0 and running:victim(task, level)
		if not dispatch(task, cpu or CPU_ANY, slice_of(slice_ns, level), key, cpu and PREEMPT or 0) then
			queue:push(task, key)
		end
		running:set(task, level)
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:peek()
		if task == nil or not dispatch(task, CPU_ANY, slice_of(slice_ns, task.data[0]), queue:key()) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "mlfq",
	options = {
		slice_us = { 1000, "time slice of level 0, microseconds", 100, 20000 },
		slices = { 16, "slices that a thread may use at a level", 1, 100 },
		levels = { 3, "number of levels", 1, 8 },
		boost_ms = { 500, "time after which a thread is at level 0 again, milliseconds", 10, 10000 },
		wait_ms = { 300, "by how much the lowest level is put off, milliseconds", 0, 10000 },
	},
	enqueue = enqueue,
	dispatch = dispatch_some,
}
