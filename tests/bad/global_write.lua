-- expect: 2 global_write.lua:5: init(): assignment to undeclared global "count"
-- SPDX-License-Identifier: GPL-2.0-only
-- A forgotten `local`.
local function init()
	count = 0 end
return { init = init, enqueue = function() end }
