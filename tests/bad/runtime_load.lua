-- expect: 2 runtime_load.lua:5: attempt to index local 'missing' (a nil value)
-- SPDX-License-Identifier: GPL-2.0-only
-- An error while the top level runs.
local missing
local x = missing.field
return { enqueue = function() return x end }
