-- expect: 2 syntax.lua:5: '=' expected near 'return'
-- SPDX-License-Identifier: GPL-2.0-only
-- A statement that is not finished.
local scx
return_ return scx
