-- expect: 2 endless_enqueue.lua:3: enqueue() did not return within 1000 ms
-- SPDX-License-Identifier: GPL-2.0-only
local function enqueue() while true do end end
-- An endless loop where tasks are waiting.
return { enqueue = enqueue }
