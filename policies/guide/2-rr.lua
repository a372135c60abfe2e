-- SPDX-License-Identifier: GPL-2.0-only
--
-- 2-rr.lua - round robin whose turns get shorter when many wait: step 2 of policies/GUIDE.md.
--
-- Tasks wait in a queue of the policy. The slice is slice_us divided by the number of tasks that
-- wait, but at least min_us, as in scx_rlfifo of the sched_ext project.

local scx = require "scx"

local dispatch, opt, CPU_ANY = scx.dispatch, scx.opt, scx.CPU_ANY
local max = math.max

local queue = scx.fifo()

local function enqueue(tasks, n)
	for i = 0, n - 1 do
		if not queue:push(tasks[i]) then
			dispatch(tasks[i], CPU_ANY, opt.min_us * 1000) -- the queue is full: decide now
		end
	end
end

local function dispatch_some(room)
	local slice_ns = max(opt.slice_us / max(queue:len(), 1), opt.min_us) * 1000
	for _ = 1, room do
		local task = queue:peek()
		if not task or not dispatch(task, CPU_ANY, slice_ns) then
			break -- nobody waits, or the ring to the kernel is full: try again next time
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "guide-rr",
	options = {
		slice_us = { 5000, "slice of a task that waits alone, microseconds", 100, 100000 },
		min_us = { 500, "shortest slice, microseconds", 100, 100000 },
	},
	enqueue = enqueue,
	dispatch = dispatch_some,
}
