-- expect: 2 dispatch_error.lua:14: dispatch(): attempt to index
-- SPDX-License-Identifier: GPL-2.0-only
-- Takes for granted that its queue is never empty.
local scx = require "scx"
local queue = scx.fifo()
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		queue:push(tasks[i])
	end
end
local function dispatch(room)
	for _ = 1, room do
		local task = queue:pop()
		if task.weight > 0 then scx.dispatch(task) end
	end
	return queue:len()
end
return { enqueue = enqueue, dispatch = dispatch }
