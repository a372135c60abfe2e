-- expect: 2 global "os" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to start a program.
os.execute("true")
return { enqueue = function() end }
