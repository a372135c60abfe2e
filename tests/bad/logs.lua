-- expect: 1 dispatched something that is not a task
-- SPDX-License-Identifier: GPL-2.0-only
-- Logs as it loads, and dispatches a task of its own making once in a while.
local scx, ffi = require "scx", require "ffi"
scx.log("hello")
local stranger, calls = ffi.cast("struct scx_task *", 64), 0
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		scx.dispatch(tasks[i])
	end
	calls = calls + 1
	if calls % 1000 == 0 then
		scx.dispatch(stranger)
	end
end
return { enqueue = enqueue }
