-- expect: 2 cannot change a protected metatable
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to take the guard off the globals.
setmetatable(_G, nil)
return { enqueue = function() end }
