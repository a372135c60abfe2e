-- SPDX-License-Identifier: GPL-2.0-only
--
-- fifo.lua - first come, first served, on whichever CPU is free first.
--
-- Each task goes to the shared queue as soon as it becomes runnable and gets the same slice; the
-- queue is in order of arrival because no vtime is given. Simple and cheap, but blind to weight
-- (nice has no effect) and unfair to tasks that sleep a lot beside tasks that never do: a bad
-- choice for a desktop under load. The place to start when writing a policy.

local scx = require "scx"

local dispatch, opt = scx.dispatch, scx.opt -- locals: looked up once, not once per task
local CPU_ANY = scx.CPU_ANY

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		dispatch(tasks[i], CPU_ANY, slice_ns)
	end
end

return {
	name = "fifo",
	options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } },
	enqueue = enqueue,
}
