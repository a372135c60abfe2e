-- expect: 1 bad_cpu.lua:7: enqueue(): named an impossible cpu
-- SPDX-License-Identifier: GPL-2.0-only
-- Decisions with a value out of range: the runtime replaces it.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i], scx.nr_cpus)
	end
end
return { enqueue = enqueue }
