-- expect: 1 twice.lua:8: enqueue(): dispatched a task twice
-- SPDX-License-Identifier: GPL-2.0-only
-- Dispatches every task two times.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
		scx.dispatch(tasks[i])
	end
end
return { enqueue = enqueue }
