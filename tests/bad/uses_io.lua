-- expect: 2 global "io" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to reach a file.
local f = io.open("/etc/passwd")
return { enqueue = function() return f end }
