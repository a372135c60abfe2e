-- expect: 1 impossible slice_ns
-- SPDX-License-Identifier: GPL-2.0-only
-- A slice of 20 us: too short to be worth a switch, the runtime makes it 50.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i], nil, 20e3)
	end
end
return { enqueue = enqueue }
