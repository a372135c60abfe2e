-- expect: 2 exit_error.lua:5: exit_task(): attempt to compare
-- SPDX-License-Identifier: GPL-2.0-only
-- An error when a thread ends.
local scx = require "scx"
local function exit_task(task) return task.pid < "x" end
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
return { enqueue = enqueue, exit_task = exit_task }
