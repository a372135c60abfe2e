-- expect: 2 global "debug" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to reach into the runtime.
return { enqueue = debug.getregistry }
