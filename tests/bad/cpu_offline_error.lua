-- expect: 1 cpu_offline_error.lua:10: cpu_offline(): 'struct scx_cpu' has no member named
-- SPDX-License-Identifier: GPL-2.0-only
-- An error when a CPU goes.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function cpu_offline(cpu) return scx.cpus[cpu].queue.len end
return { enqueue = enqueue, cpu_offline = cpu_offline }
