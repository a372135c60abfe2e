-- expect: 1 import(): state.count was
-- SPDX-License-Identifier: GPL-2.0-only
-- Takes over its state under another name than it has.
local scx = require "scx"
local count = 0
local function enqueue(tasks, n)
	count = count + n
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
end
local function import(state) count = state.total or 0 end
local function export() return { count = count } end
return { enqueue = enqueue, export = export, import = import }
