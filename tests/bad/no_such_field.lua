-- expect: 2 no_such_field.lua:4: enqueue(): 'struct scx_task' has no member named 'priority'
-- SPDX-License-Identifier: GPL-2.0-only
-- Reads a field that tasks do not have.
local function enqueue(tasks) return tasks[0].priority == 1 end
return { enqueue = enqueue }
