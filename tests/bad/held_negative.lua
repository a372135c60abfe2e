-- expect: 2 dispatch(): must return how many tasks it still holds, 0 or more, got -5
-- SPDX-License-Identifier: GPL-2.0-only
-- dispatch() returns nonsense.
return { enqueue = function() end, dispatch = function() return -5 end }
