-- Vtimes that leave threads with a high pid behind those with a low one for ever.
local scx = require "scx"
local dispatch = scx.dispatch

return {
	name = "starve",
	enqueue = function(tasks, n)
		for i = 0, n - 1 do
			dispatch(tasks[i], scx.CPU_ANY, 0, tasks[i].pid * 2 ^ 40)
		end
	end,
}
