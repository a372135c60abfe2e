-- expect: 2 no_enqueue.lua:4: the policy table has no enqueue(tasks, n)
-- SPDX-License-Identifier: GPL-2.0-only
-- Lacks the one hook that is required.
return { name = "no_enqueue", dispatch = function() return 0 end }
