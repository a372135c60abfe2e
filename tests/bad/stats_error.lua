-- expect: 2 stats_error.lua:10: stats(): attempt to perform arithmetic
-- SPDX-License-Identifier: GPL-2.0-only
-- An error when numbers are asked for.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function stats(t) t.rate = t.tasks / 2 end
return { enqueue = enqueue, stats = stats }
