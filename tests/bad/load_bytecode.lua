-- expect: 2 load_bytecode.lua:5: no bytecode
-- SPDX-License-Identifier: GPL-2.0-only
-- load() of bytecode, which could do anything.
local ok = load("\27LJ\2\10\0\0")
if not ok then error("no bytecode") end
return { enqueue = function() end }
