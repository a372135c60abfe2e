-- expect: 2 require("scx/../../policies/fifo"): a policy can load
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to leave the library's directory.
require "scx/../../policies/fifo"
return { enqueue = function() end }
