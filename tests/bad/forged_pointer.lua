-- expect: 1 dispatched something that is not a task
-- SPDX-License-Identifier: GPL-2.0-only
-- Makes up a task.
local scx, ffi = require "scx", require "ffi"
local forged = ffi.cast("struct scx_task *", 4096)
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
	scx.dispatch(forged)
end
return { enqueue = enqueue }
