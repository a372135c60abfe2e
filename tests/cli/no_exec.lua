-- SPDX-License-Identifier: GPL-2.0-only
--
-- no_exec.lua - runs a command as systemd does with MemoryDenyWriteExecute=yes: under
-- prctl(PR_SET_MDWE). LuaJIT itself needs -joff for it.
--
--   luajit -joff tests/cli/no_exec.lua CMD...
--
-- Exit status: of CMD; 77 if the kernel has no such prctl (before Linux 6.3); 78 if CMD does not
-- start.

local ffi = require "ffi"
ffi.cdef "int prctl(int, long, long, long, long); int execvp(const char *, const char **);"
if ffi.C.prctl(65, 1, 0, 0, 0) ~= 0 then os.exit(77) end
local argv = ffi.new("const char *[?]", #arg + 1)
for i = 1, #arg do
	argv[i - 1] = arg[i]
end
ffi.C.execvp(argv[0], argv)
os.exit(78)
