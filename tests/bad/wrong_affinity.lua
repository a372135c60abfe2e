-- expect: 1 wrong_affinity.lua:11: enqueue(): named a CPU that the task may not use
-- SPDX-License-Identifier: GPL-2.0-only
-- Spreads tasks over the CPUs that are online, without asking where they may run.
local scx = require "scx"
local cpu = 0
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		repeat
			cpu = (cpu + 1) % scx.nr_cpus
		until scx.cpus[cpu].online == 1
		scx.dispatch(tasks[i], cpu)
	end
end
return { enqueue = enqueue }
