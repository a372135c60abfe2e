-- expect: 2 tick_without_ms.lua:6: tick: needs tick_ms
-- SPDX-License-Identifier: GPL-2.0-only
-- A tick() that nobody knows when to call.
return {
	enqueue = function() end,
	tick = function() end,
}
