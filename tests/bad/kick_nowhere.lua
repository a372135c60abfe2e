-- expect: 1 kick_nowhere.lua:5: enqueue(): named an impossible cpu
-- SPDX-License-Identifier: GPL-2.0-only
-- Kicks a CPU that does not exist.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
	scx.kick(scx.nr_cpus)
end
return { enqueue = enqueue }
