-- expect: 2 global "collectgarbage" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to run the collector in a batch.
collectgarbage("collect")
return { enqueue = function() end }
