-- expect: 1 was given a task that was never dispatched
-- SPDX-License-Identifier: GPL-2.0-only
-- Forgets every tenth task.
local scx = require "scx"
local nr = 0
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		nr = nr + 1
		if nr % 10 ~= 0 then
			scx.dispatch(tasks[i])
		end
	end
end
return { enqueue = enqueue }
