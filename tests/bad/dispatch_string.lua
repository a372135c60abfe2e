-- expect: 2 dispatch_string.lua:5: enqueue(): cannot convert 'string' to 'struct scx_task *'
-- SPDX-License-Identifier: GPL-2.0-only
-- Dispatches something that is not a task.
local scx = require "scx"
local function enqueue() scx.dispatch("task") end
return { enqueue = enqueue }
