-- expect: 1 dispatch_after_exit.lua:10: exit_task(): dispatched a task whose thread has ended
-- SPDX-License-Identifier: GPL-2.0-only
-- Takes the end of a thread for a task that waits.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function exit_task(task) scx.dispatch(task) end
return { enqueue = enqueue, exit_task = exit_task }
