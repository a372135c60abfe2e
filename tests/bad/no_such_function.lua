-- expect: 2 no_such_function.lua:5: enqueue(): scx has no dispach; did you mean "dispatch"?
-- SPDX-License-Identifier: GPL-2.0-only
-- A misspelled function of scx.
local scx = require "scx"
local function enqueue(tasks) scx.dispach(tasks[0]) end
return { enqueue = enqueue }
