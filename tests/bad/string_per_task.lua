-- expect: 1 string_per_task.lua:6: enqueue(): 
-- SPDX-License-Identifier: GPL-2.0-only
-- A string per task: garbage, and code that may not be compiled.
local scx = require "scx"
local last
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		last = "task " .. tasks[i].pid
		scx.dispatch(tasks[i])
	end
end
return { enqueue = enqueue, stats = function(t) t.len = #(last or "") end }
