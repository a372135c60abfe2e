-- expect: 2 endless_init.lua:5: init(): still running after 2000 ms
-- SPDX-License-Identifier: GPL-2.0-only
-- An endless loop in a coroutine in init().
local function spin() while true do end end
return { init = function() coroutine.wrap(spin)() end, enqueue = function() end }
