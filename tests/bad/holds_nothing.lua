-- expect: 1 holds_nothing.lua:11: dispatch(): returned more tasks than the policy holds
-- SPDX-License-Identifier: GPL-2.0-only
-- Counts a task that it has given away as held.
local scx = require "scx"
local queue = scx.fifo()
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		queue:push(tasks[i])
	end
end
local function dispatch(room)
	local held = queue:len()
	for _ = 1, math.min(room, held) do
		scx.dispatch(queue:pop())
	end
	return held
end
return { enqueue = enqueue, dispatch = dispatch }
