-- expect: 1 cpu_online_error.lua:10: cpu_online(): attempt to call
-- SPDX-License-Identifier: GPL-2.0-only
-- An error when a CPU comes back.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function cpu_online(cpu) cpu() end
return { enqueue = enqueue, cpu_online = cpu_online }
