-- expect: 2 calls_system.lua: while loading: the policy made the system call
-- SPDX-License-Identifier: GPL-2.0-only
-- Starts a program in init().
local ffi = require "ffi"
ffi.cdef "int system(const char *command);"
return {
	init = function() ffi.C.system("true") end,
	enqueue = function() end,
}
