-- expect: 1 twice_across_batches.lua:8: enqueue(): dispatched a task again that was not enqueued since
-- SPDX-License-Identifier: GPL-2.0-only
-- Remembers the task of the batch before and dispatches it once more.
local scx, ffi = require "scx", require "ffi"
local last = ffi.new("struct scx_task *[1]")
local function enqueue(tasks, n)
	if last[0] ~= nil then
		scx.dispatch(last[0])
	end
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
	last[0] = tasks[n - 1]
end
local function exit_task() last[0] = nil end
return { enqueue = enqueue, exit_task = exit_task }
