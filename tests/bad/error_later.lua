-- expect: 1 error_later.lua:9: enqueue(): only now
-- SPDX-License-Identifier: GPL-2.0-only
-- Works on the first batches, then one call in a hundred fails.
local scx = require "scx"
local calls = 0
local function enqueue(tasks, n)
	calls = calls + 1
	if calls > 20000 and calls % 100 == 0 then
		error("only now")
	end
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
return { enqueue = enqueue }
