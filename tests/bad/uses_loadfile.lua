-- expect: 2 global "loadfile" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to load another file.
local chunk = loadfile("policies/fifo.lua")
return { enqueue = chunk }
