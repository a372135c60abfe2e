-- expect: 2 read_only.lua:4: enqueue(): attempt to write to constant location
-- SPDX-License-Identifier: GPL-2.0-only
-- Writes a field that belongs to the runtime.
local function enqueue(tasks) tasks[0].weight = 1 end
return { enqueue = enqueue }
