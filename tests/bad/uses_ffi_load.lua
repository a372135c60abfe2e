-- expect: 2 attempt to call field 'load' (a nil value)
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to load a C library.
require("ffi").load("c")
return { enqueue = function() end }
