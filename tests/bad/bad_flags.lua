-- expect: 1 unknown flags
-- SPDX-License-Identifier: GPL-2.0-only
-- Decisions with a value out of range: the runtime replaces it.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i], nil, nil, nil, 64)
	end
end
return { enqueue = enqueue }
