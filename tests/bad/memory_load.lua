-- expect: 2 not enough memory: the policy has used up its arena
-- SPDX-License-Identifier: GPL-2.0-only
-- An allocation bomb at load.
local heap = {}
for i = 1, 1e9 do heap[i] = { i } end
return { enqueue = function() return heap end }
