-- expect: 1 was given a task that was never dispatched
-- SPDX-License-Identifier: GPL-2.0-only
-- Takes tasks and does nothing with them.
return { enqueue = function() end, dispatch = function() return 0 end }
