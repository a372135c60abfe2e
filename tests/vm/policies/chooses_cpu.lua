-- SPDX-License-Identifier: GPL-2.0-only
-- Sends each task to the CPU that it last ran on, in the order of arrival.
local scx = require "scx"
local dispatch = scx.dispatch

return {
	name = "chooses_cpu",
	enqueue = function(tasks, n)
		for i = 0, n - 1 do
			dispatch(tasks[i], tasks[i].cpu)
		end
	end,
}
