-- expect: 1 export_fails.lua:11: export(): attempt to index
-- SPDX-License-Identifier: GPL-2.0-only
-- An error when the state is to be handed over.
local scx = require "scx"
local state
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function export() return { count = state.count } end
return { enqueue = enqueue, export = export, import = function() end }
