-- expect: 2 require("socket"): a policy can load scx, ffi,
-- SPDX-License-Identifier: GPL-2.0-only
-- Wants a module that is not of the library.
require "socket"
return { enqueue = function() end }
