-- expect: 1 was given a task that was never dispatched
-- SPDX-License-Identifier: GPL-2.0-only
-- Has a queue for the pinned tasks of each CPU but the last, and looks at these only.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		local task = tasks[i]
		if task.nr_cpus_allowed > 1 or task.cpu < scx.nr_cpus - 1 then
			scx.dispatch(task)
		end
	end
end
return { enqueue = enqueue }
