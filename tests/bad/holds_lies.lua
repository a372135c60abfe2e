-- expect: 1 holds_lies.lua:11: dispatch(): returned 0 and had left tasks that could run
-- SPDX-License-Identifier: GPL-2.0-only
-- Says that it holds nothing, whatever is left in its queue.
local scx = require "scx"
local queue = scx.fifo()
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		queue:push(tasks[i])
	end
end
local function dispatch(room)
	for _ = 1, math.min(room, queue:len()) do
		scx.dispatch(queue:pop())
	end
	return 0
end
return { enqueue = enqueue, dispatch = dispatch }
