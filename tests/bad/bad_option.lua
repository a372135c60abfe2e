-- expect: 2 bad_option.lua:6: options.slice_us: the default 5 is not in 100..1000
-- SPDX-License-Identifier: GPL-2.0-only
-- A default that its own range forbids.
return {
	options = {
		slice_us = { 5, "time slice, microseconds", 100, 1000 },
	},
	enqueue = function() end,
}
