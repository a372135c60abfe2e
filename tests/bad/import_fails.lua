-- expect: 1 import_fails.lua:11: import(): attempt to compare
-- SPDX-License-Identifier: GPL-2.0-only
-- An error when the state is taken over.
local scx = require "scx"
local count = 0
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function import(state) if state.total > 0 then count = state.total end end
local function export() return { count = count } end
return { enqueue = enqueue, export = export, import = import }
