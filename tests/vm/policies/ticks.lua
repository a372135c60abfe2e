-- SPDX-License-Identifier: GPL-2.0-only
-- Asks for tick() every 10 ms; stats() says how often it came, and the longest time between two.
-- Holds every task until the next tick, so that nothing else wakes the worker for it.

local scx = require "scx"

local queue = scx.fifo()
local ticks, longest_ns, last_ns = 0, 0, 0

return {
	name = "ticks",
	builtin_idle = false,
	enqueue = function(tasks, n)
		for i = 0, n - 1 do
			queue:push(tasks[i])
		end
	end,
	tick_ms = 10,
	tick = function(now)
		if last_ns > 0 and ticks > 20 then -- by then it is attached
			longest_ns = math.max(longest_ns, now - last_ns)
		end
		ticks, last_ns = ticks + 1, now
		local task = queue:pop()
		while task do
			scx.dispatch(task)
			task = queue:pop()
		end
	end,
	dispatch = function()
		return queue:len()
	end,
	stats = function(t)
		t.ticks, t.longest_ms = ticks, longest_ns / 1e6
	end,
}
