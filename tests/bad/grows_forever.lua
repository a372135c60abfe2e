-- expect: 1 grows_forever.lua:6: enqueue(): the policy keeps
-- SPDX-License-Identifier: GPL-2.0-only
-- Writes down every batch and never forgets one.
local scx = require "scx"
local log = {}
local function enqueue(tasks, n)
	log[#log + 1] = n
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
return { enqueue = enqueue }
