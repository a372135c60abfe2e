-- expect: 1 two_problems.lua:7: enqueue(): gave an impossible slice_ns
-- SPDX-License-Identifier: GPL-2.0-only
-- A decision that is wrong in two ways.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i], nil, 5, -1)
	end
end
return { enqueue = enqueue }
