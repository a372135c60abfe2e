-- expect: 1 NYI: bytecode FNEW
-- SPDX-License-Identifier: GPL-2.0-only
-- A closure per task, which LuaJIT cannot compile.
local scx = require "scx"
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		local decide = function() scx.dispatch(tasks[i]) end
		decide()
	end
end
return { enqueue = enqueue }
