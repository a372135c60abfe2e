-- expect: 2 load_string_bytecode.lua:5: no bytecode
-- SPDX-License-Identifier: GPL-2.0-only
-- loadstring() of bytecode, which could do anything.
local ok = loadstring("\27LJ\2\10\0\0", "x", "b")
if not ok then error("no bytecode") end
return { enqueue = function() end }
