-- expect: 2 global "package" is not available
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to add to what require() finds.
package.path = "/tmp/?.lua"
return { enqueue = function() end }
