-- expect: 1 impossible vtime
-- SPDX-License-Identifier: GPL-2.0-only
-- Decisions with a value out of range: the runtime replaces it.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i], nil, nil, 0 / 0)
	end
end
return { enqueue = enqueue }
