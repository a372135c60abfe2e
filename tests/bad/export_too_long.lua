-- expect: 1 export(): 500014 bytes of state, and 262144 are handed over at most
-- SPDX-License-Identifier: GPL-2.0-only
-- Hands over more than there is room for.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function export() return { x = ("x"):rep(500000) } end
return { enqueue = enqueue, export = export, import = function() end }
