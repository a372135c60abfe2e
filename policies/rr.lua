-- SPDX-License-Identifier: GPL-2.0-only
--
-- rr.lua - round robin: everybody in turn, and the turns get shorter when more are waiting.
--
-- One FIFO, kept in user space until a CPU asks, so that the slice is chosen late: slice_us for
-- one who is alone, slice_us / (waiting + 1) with others waiting, so that a round takes about
-- slice_us however many there are, down to slices of min_us, from where on it gets longer. The
-- rule is that of scx_rlfifo (Righi, sched-ext/scx, 2024); round robin is that of the first
-- time-sharing systems (Corbato, CTSS, 1962; analysed by Kleinrock, 1964).
-- `waiting` counts the whole machine, as in scx_rlfifo, so with many CPUs slices are shorter than
-- they need be; and the kernel ends a slice at a timer tick, every 1 to 4 ms. Blind to weight and
-- nice. A bad choice for throughput: each turn is a cold cache, and a decision.

local scx = require "scx"

local dispatch, nr_queued, opt = scx.dispatch, scx.nr_queued, scx.opt
local CPU_ANY = scx.CPU_ANY
local max = math.max

local queue = scx.fifo()

local function enqueue(tasks, n)
	for i = 0, n - 1 do
		local task = tasks[i]
		if not queue:push(task) then
			dispatch(task, CPU_ANY, opt.min_us * 1000)
		end
	end
end

local function dispatch_some(room)
	local others = queue:len() + nr_queued() - 1 -- of whoever goes now; the sum stays
	local slice_ns = max(opt.slice_us / (others + 1), opt.min_us) * 1000
	for _ = 1, room do
		local task = queue:peek()
		if task == nil or not dispatch(task, CPU_ANY, slice_ns) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "rr",
	options = {
		slice_us = { 5000, "time slice of a task that is alone, microseconds", 100, 100000 },
		min_us = { 500, "shortest time slice, microseconds", 100, 100000 },
	},
	enqueue = enqueue,
	dispatch = dispatch_some,
}
