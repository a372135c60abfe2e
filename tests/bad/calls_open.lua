-- expect: 2 calls_open.lua: while loading: the policy made the system call openat, which a policy may not
-- SPDX-License-Identifier: GPL-2.0-only
-- Opens a file through the C library as it loads.
local ffi = require "ffi"
ffi.cdef "int open(const char *path, int flags, ...);"
ffi.C.open("/etc/passwd", 0)
return { enqueue = function() end }
