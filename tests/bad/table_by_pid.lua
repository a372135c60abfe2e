-- expect: 1 bytes more for each thread that has ended
-- SPDX-License-Identifier: GPL-2.0-only
-- A table by pid that nobody cleans up.
local scx = require "scx"
local seen = {}
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		local pid = tasks[i].pid
		seen[pid] = (seen[pid] or 0) + 1
		scx.dispatch(tasks[i])
	end
end
return { enqueue = enqueue }
