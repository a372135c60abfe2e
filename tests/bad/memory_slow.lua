-- expect: 2 enqueue(): not enough memory: the policy has used up its arena
-- SPDX-License-Identifier: GPL-2.0-only
-- Keeps a table for every task it has ever seen.
local scx = require "scx"
local log = {}
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		for j = 1, 200 do
			log[#log + 1] = { pid = tasks[i].pid, j = j }
		end
		scx.dispatch(tasks[i])
	end
end
return { enqueue = enqueue }
