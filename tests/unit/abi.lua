-- SPDX-License-Identifier: GPL-2.0-only
-- abi.lua CDEF TABLE: does LuaJIT see abi.h as the C compiler does? Run by test_abi.
--
-- TABLE has one line per fact of C: `size STRUCT BYTES`, `field STRUCT NAME OFFSET BYTES`,
-- `const NAME VALUE`. Every struct member and enumerator of CDEF must be among them, so that
-- a new field cannot be forgotten. One line per difference; exits 1 if there was any.

local ffi = require("ffi")

local cdef = assert(io.open(arg[1])):read("*a")
ffi.cdef(cdef)

local failed = false
local function differ(...)
	print(string.format(...))
	failed = true
end

local known = {}
local check = {}

function check.size(struct, bytes)
	known[struct] = true
	local got = ffi.sizeof("struct " .. struct)
	if got ~= tonumber(bytes) then
		differ("sizeof(struct %s): C %s, Lua %d", struct, bytes, got)
	end
end

function check.field(struct, name, offset, bytes)
	known[struct .. "." .. name] = true
	local at = ffi.offsetof("struct " .. struct, name)
	if at ~= tonumber(offset) then
		differ("offset of %s.%s: C %s, Lua %s", struct, name, offset, tostring(at))
	end
	-- A scalar reads as a number and hides its width; for arrays and structs it shows.
	local value = at and ffi.new("struct " .. struct)[name]
	if type(value) == "cdata" and name ~= "decision" and ffi.sizeof(value) ~= tonumber(bytes) then
		differ("size of %s.%s: C %s, Lua %d", struct, name, bytes, ffi.sizeof(value))
	end
end

function check.const(name, value)
	known[name] = true
	if tonumber(ffi.C[name]) ~= tonumber(value) then
		differ("%s: C %s, Lua %s", name, value, tostring(ffi.C[name]))
	end
end

for line in io.lines(arg[2]) do
	local words = {}
	for word in line:gmatch("%S+") do
		words[#words + 1] = word
	end
	check[words[1]](unpack(words, 2))
end

-- Without comments and array bounds a member's name is the last word before its semicolon.
local text = cdef:gsub("/%*.-%*/", ""):gsub("%b[]", "")

for struct, body in text:gmatch("struct%s+([%w_]+)%s*(%b{})") do
	if not known[struct] then
		differ("struct %s is in the cdef, but not in test_abi.c", struct)
	end
	for name in body:gmatch("([%w_]+)%s*;") do
		if not known[struct .. "." .. name] then
			differ("%s.%s is in the cdef, but not in test_abi.c", struct, name)
		end
	end
end

for body in text:gmatch("enum%s*(%b{})") do
	for name in body:gmatch("([%w_]+)%s*=") do
		if not known[name] then
			differ("%s is in the cdef, but not in test_abi.c", name)
		end
	end
end

-- What a policy must not write is const, and what is its own is not.
local task = ffi.new("struct scx_task")
for _, name in ipairs({ "pid", "vtime", "cookie_", "seq_", "queue_", "held_", "flags" }) do
	if pcall(function() task[name] = 0 end) then
		differ("a policy can write scx_task.%s", name)
	end
end
task.data[3] = 1
task.payload = 1
if pcall(function() ffi.new("struct scx_outbox").cap = 1 end) then
	differ("a policy can write scx_outbox.cap")
end

os.exit(failed and 1 or 0)
