-- expect: 2 global_read.lua:5: enqueue(): undeclared global "maths"; did you mean "math"?
-- SPDX-License-Identifier: GPL-2.0-only
-- A misspelled global.
local function enqueue()
	return maths.floor(1) end
return { enqueue = enqueue }
