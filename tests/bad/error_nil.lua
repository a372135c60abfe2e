-- expect: 2 error_nil.lua:3: enqueue(): (the error object is nil)
-- SPDX-License-Identifier: GPL-2.0-only
local function enqueue() error() end -- An error object that is nothing.
return { enqueue = enqueue }
