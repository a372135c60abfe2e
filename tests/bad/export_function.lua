-- expect: 1 export(): state.order: expected plain data, got function
-- SPDX-License-Identifier: GPL-2.0-only
-- Hands over something that only this worker can use.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function export() return { order = enqueue } end
return { enqueue = enqueue, export = export, import = function() end }
