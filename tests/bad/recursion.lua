-- expect: 2 enqueue(): stack overflow; called from
-- SPDX-License-Identifier: GPL-2.0-only
-- Recursion without an end.
local function deep(n) return 1 + deep(n + 1) end
return { enqueue = function() deep(0) end }
