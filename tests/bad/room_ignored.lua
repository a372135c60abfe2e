-- expect: 1 room_ignored.lua:11: dispatch(): gave more than twice as many decisions as it had room
-- SPDX-License-Identifier: GPL-2.0-only
-- Gives everything it has, whatever room there is.
local scx = require "scx"
local queue = scx.fifo()
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		queue:push(tasks[i])
	end
end
local function dispatch()
	for _ = 1, queue:len() do
		scx.dispatch(queue:pop())
	end
	return 0
end
return { enqueue = enqueue, dispatch = dispatch }
