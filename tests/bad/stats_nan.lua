-- expect: 1 stats_nan.lua:11: stats(): rate is no finite number
-- SPDX-License-Identifier: GPL-2.0-only
-- A rate when there was nothing to divide by.
local scx = require "scx"
local late, total = 0, 0
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function stats(t) t.rate = late / total end
return { enqueue = enqueue, stats = stats }
