-- expect: 1 tick_error_later.lua:13: tick(): only now
-- SPDX-License-Identifier: GPL-2.0-only
-- An error in every hundredth tick.
local scx = require "scx"
local ticks = 0
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function tick()
	ticks = ticks + 1
	if ticks % 100 == 0 then error("only now") end
end
return { enqueue = enqueue, tick = tick, tick_ms = 1000 }
