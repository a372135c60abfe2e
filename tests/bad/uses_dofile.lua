-- expect: 2 global "dofile" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to run another file.
dofile("policies/fifo.lua")
return { enqueue = function() end }
