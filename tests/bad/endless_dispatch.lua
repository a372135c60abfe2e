-- expect: 2 endless_dispatch.lua:3: dispatch() did not return within 1000 ms
-- SPDX-License-Identifier: GPL-2.0-only
local function dispatch() while true do pcall(error) end end
-- An endless loop that swallows errors.
return { enqueue = function() end, dispatch = dispatch }
