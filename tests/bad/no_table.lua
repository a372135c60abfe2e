-- expect: 2 the script must return a policy table, got nothing
-- SPDX-License-Identifier: GPL-2.0-only
-- Forgets to return its table.
local function enqueue() end
enqueue()
