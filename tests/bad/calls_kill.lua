-- expect: 2 calls_kill.lua:8: enqueue(): the policy made the system call kill, which a policy may not
-- SPDX-License-Identifier: GPL-2.0-only
-- Tries to end its parent, after a while.
local ffi = require "ffi"
ffi.cdef "int kill(int pid, int signal);"
local calls = 0
return {
	enqueue = function()
		calls = calls + 1
		if calls > 1000 then ffi.C.kill(1, 0) end
	end,
}
