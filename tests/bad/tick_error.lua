-- expect: 2 tick_error.lua:10: tick(): attempt to call
-- SPDX-License-Identifier: GPL-2.0-only
-- An error in each tick.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function tick(now_ns) return now_ns() end
return { enqueue = enqueue, tick = tick, tick_ms = 10 }
