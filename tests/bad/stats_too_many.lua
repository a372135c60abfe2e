-- expect: 1 stats(): 8 entries of t are left out or cut
-- SPDX-License-Identifier: GPL-2.0-only
-- More numbers than are shown.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function stats(t)
	for i = 1, 40 do
		t["queue_" .. i] = i
	end
end
return { enqueue = enqueue, stats = stats }
