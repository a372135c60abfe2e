-- expect: 1 dispatched something that is not a task
-- SPDX-License-Identifier: GPL-2.0-only
-- Dispatches what an empty queue gives.
local scx = require "scx"
local queue = scx.fifo()
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		queue:push(tasks[i])
		scx.dispatch(queue:pop())
	end
	scx.dispatch(queue:pop())
end
return { enqueue = enqueue }
