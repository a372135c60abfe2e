-- expect: 2 dispatch(): must return how many tasks it still holds, got a string
-- SPDX-License-Identifier: GPL-2.0-only
-- dispatch() returns something that is no number.
return { enqueue = function() end, dispatch = function() return "many" end }
