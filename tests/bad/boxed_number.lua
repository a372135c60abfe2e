-- expect: 1 boxed_number.lua:6: enqueue(): 
-- SPDX-License-Identifier: GPL-2.0-only
-- A 64-bit integer per task that is kept: each is an object of its own.
local scx = require "scx"
local latest = 0ULL
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		latest = scx.cpus[tasks[i].cpu].since_ns + 1ULL
		scx.dispatch(tasks[i])
	end
end
return { enqueue = enqueue, stats = function(t) t.latest = tonumber(latest) end }
