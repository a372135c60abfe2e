-- expect: 1 offline_cpu.lua:10: enqueue(): named a CPU that is offline
-- SPDX-License-Identifier: GPL-2.0-only
-- Spreads tasks over all CPUs that they may use, online or not.
local scx = require "scx"
local cpu = 0
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		cpu = (cpu + 1) % scx.nr_cpus
		local allowed = scx.allowed(tasks[i], cpu)
		scx.dispatch(tasks[i], allowed and cpu or scx.CPU_ANY)
	end
end
return { enqueue = enqueue }
