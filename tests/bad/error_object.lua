-- expect: 2 error_object.lua:5: enqueue(): (the error object is a table)
-- SPDX-License-Identifier: GPL-2.0-only
-- An error object whose __tostring raises.
local bad = setmetatable({}, { __tostring = function() error("no") end })
return { enqueue = function() error(bad) end }
