-- expect: 1 bytes allocated per task
-- SPDX-License-Identifier: GPL-2.0-only
-- A table per task.
local scx = require "scx"
local seen = {}
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		seen[i] = { task = tasks[i] }
	end
	for i = 0, n - 1 do
		scx.dispatch(seen[i].task)
	end
end
return { enqueue = enqueue }
