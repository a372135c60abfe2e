-- expect: 2 crash.lua:5: enqueue() crashed: Segmentation fault
-- SPDX-License-Identifier: GPL-2.0-only
-- Writes to address 8 through FFI.
local ffi = require "ffi"
local function enqueue() ffi.cast("int *", 8)[0] = 1 end
return { enqueue = enqueue }
