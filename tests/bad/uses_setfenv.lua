-- expect: 2 global "setfenv" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to give itself other globals.
setfenv(1, {})
return { enqueue = function() end }
