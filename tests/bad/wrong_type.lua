-- expect: 2 wrong_type.lua:5: tick_ms: expected a number, got string "10"
-- SPDX-License-Identifier: GPL-2.0-only
-- A key of the wrong type.
return {
	tick_ms = "10", enqueue = function() end, tick = function() end,
}
