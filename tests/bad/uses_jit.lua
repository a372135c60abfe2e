-- expect: 2 global "jit" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to turn the compiler off.
jit.off()
return { enqueue = function() end }
