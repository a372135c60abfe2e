-- expect: 2 calls_socket.lua:6: enqueue(): the policy made the system call socket, which a policy may not
-- SPDX-License-Identifier: GPL-2.0-only
-- Opens a socket when it has tasks.
local ffi = require "ffi"
ffi.cdef "int socket(int domain, int type, int protocol);"
return { enqueue = function() ffi.C.socket(2, 1, 0) end }
