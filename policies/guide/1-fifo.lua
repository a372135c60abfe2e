-- SPDX-License-Identifier: GPL-2.0-only
--
-- 1-fifo.lua - first come, first served: step 1 of policies/GUIDE.md.
--
-- Every task goes to the shared queue as soon as it becomes runnable, for 5 ms.

local scx = require "scx"

local dispatch, CPU_ANY = scx.dispatch, scx.CPU_ANY

local function enqueue(tasks, n)
	for i = 0, n - 1 do
		dispatch(tasks[i], CPU_ANY, 5e6) -- 5e6 ns = 5 ms
	end
end

return { name = "guide-fifo", enqueue = enqueue }
