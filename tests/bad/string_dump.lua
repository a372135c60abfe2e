-- expect: 2 attempt to call field 'dump' (a nil value)
-- SPDX-License-Identifier: GPL-2.0-only
-- Makes bytecode of a function.
local code = string.dump(function() end)
return { enqueue = function() return code end }
