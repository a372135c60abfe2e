-- expect: 2 require("debug"): a policy can load scx, ffi,
-- SPDX-License-Identifier: GPL-2.0-only
-- Wants the debug library all the same.
require "debug"
return { enqueue = function() end }
