-- expect: 2 require("jit.util"): a policy can load scx, ffi,
-- SPDX-License-Identifier: GPL-2.0-only
-- Wants to see machine code.
require "jit.util"
return { enqueue = function() end }
