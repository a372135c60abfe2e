-- expect: 1 keeps_the_dead.lua:11: enqueue(): dispatched a task whose thread has ended
-- SPDX-License-Identifier: GPL-2.0-only
-- Keeps tasks in a table of its own and dispatches them after their threads have ended.
local scx, ffi = require "scx", require "ffi"
local gone = ffi.new("struct scx_task *[1]")
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
	if gone[0] ~= nil then
		scx.dispatch(gone[0])
		gone[0] = nil
	end
end
local function exit_task(task)
	gone[0] = task
end
return { enqueue = enqueue, exit_task = exit_task }
