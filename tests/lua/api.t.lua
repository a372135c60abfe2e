-- SPDX-License-Identifier: GPL-2.0-only
-- lua/api.lua against what it describes, both ways: the module, its objects, the globals and the
-- argument of init() as a policy gets them in `scxlua check`; the structs of abi.h; the keys that
-- lua/scx/policy.lua knows.
--
-- $SCXLUA is the program (default build/scxlua), $SCXLUA_CDEF the cut of abi.h for Lua.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local api = dofile "lua/api.lua"

local scxlua = os.getenv("SCXLUA") or "build/scxlua"
local cdef = os.getenv("SCXLUA_CDEF") or "build/abi_cdef.h"

local function read_file(path)
	local file = assert(io.open(path))
	local text = file:read("*a")
	file:close()
	return text
end

local function write_file(path, text)
	local file = assert(io.open(path, "w"))
	file:write(text)
	file:close()
end

--- One test: two sets of names, each with a word about it (a type, a number of parameters).
local function same(what, documented, real)
	local complaints = {}
	for name, about in pairs(documented) do
		if real[name] == nil then
			complaints[#complaints + 1] = name .. " is in lua/api.lua only"
		elseif real[name] ~= about then
			complaints[#complaints + 1] = string.format("%s: lua/api.lua says %s, it is %s", name,
				about, real[name])
		end
	end
	for name in pairs(real) do
		if documented[name] == nil then
			complaints[#complaints + 1] = name .. " is not in lua/api.lua"
		end
	end
	table.sort(complaints)
	tap.ok(next(real) and #complaints == 0, what)
	for _, line in ipairs(complaints) do
		print("# " .. line)
	end
end

-- ---- what the table says ----

-- A function by its number of parameters, a value by the Lua type behind its type.
local function about(entry, has_self)
	if not entry.type then
		local args = entry.args or {}
		local is_vararg = #args > 0 and args[#args][1] == "..."
		return string.format("function of %d%s", #args + (has_self and 1 or 0) - (is_vararg and 1
			or 0), is_vararg and " and more" or "")
	end
	local word = entry.type:match("^%a+")
	return entry.type:match("%[%]$") and "cdata" or word == "integer" and "number" or word
end

local function documented(entries, prefix)
	local set = {}
	for _, entry in ipairs(entries) do
		set[prefix .. entry[1]] = about(entry)
	end
	return set
end

local function documented_struct(entries)
	local set = {}
	for _, entry in ipairs(entries) do
		set[entry[1]] = entry.c .. (entry.rw and ", writable" or "")
	end
	return set
end

-- ---- the structs ----

local function real_struct(text, name)
	local set = {}
	local body = text:gsub("/%*.-%*/", ""):match("struct " .. name .. " (%b{})")
	for line in body:gmatch("[^;{}]+") do
		local rest, is_const = line:gsub("^%s*const ", "")
		local kind, field, bounds = rest:match("^%s*([%w_]+)%s+([%w_]+)(.-)$")
		if field and kind ~= "struct" and not field:match("_$") then
			set[field] = kind .. (bounds ~= "" and "[]" or "")
				.. (is_const == 0 and ", writable" or "")
		end
	end
	return set
end

local text = read_file(cdef)
same("struct scx_task", documented_struct(api.task), real_struct(text, "scx_task"))
same("struct scx_cpu", documented_struct(api.cpu), real_struct(text, "scx_cpu"))

-- ---- the policy's table ----

local known = {}
for key, kind in read_file("lua/scx/policy.lua"):match("local known = (%b{})")
	:gmatch("([%w_]+) = \"(%a+)\"") do
	known[key] = kind
end
local keys = {}
for name, word in pairs(documented(api.policy, "")) do
	keys[name] = word:match("^%a+")
end
same("keys of a policy", keys, known)

-- ---- the module, in the real sandbox ----

-- Stands in for lua/scx.lua, which is scx/real.lua then: looks at what the policy is going to get.
local probe = [[
local _, host = ...
local ffi = require "ffi"
ffi.cdef "long write(int fd, const void *from, size_t bytes);"
local metatables = {}
local metatype, setmeta = ffi.metatype, setmetatable
ffi.metatype = function(ct, mt)
	metatables[tostring(ffi.typeof(ct))] = mt
	return metatype(ct, mt)
end
host.globals.setmetatable = function(object, mt)
	metatables[object] = mt
	return setmeta(object, mt)
end
local function say(...)
	local line = "probe\t" .. table.concat({ ... }, "\t") .. "\n"
	ffi.C.write(2, line, #line)
end
local function about(value)
	if type(value) ~= "function" then
		return type(value)
	end
	local info = host.jit.funcinfo(value)
	return string.format("function of %d%s", info.params or -1, info.isvararg and " and more" or "")
end
-- What an object has from its type: its own fields are its state.
local function each_method(object, visit)
	local mt = metatables[type(object) == "cdata" and tostring(ffi.typeof(object)) or object]
	for key, value in next, mt and mt.__index or {} do
		if type(value) == "function" then
			visit(key, value)
		end
	end
end
local scx = require "scx.real"
for key, value in next, scx do
	say("scx", tostring(key), about(value))
end
for _, key in ipairs(names) do
	local ok, value = pcall(function() return scx[key] end)
	if ok then
		say("scx", key, about(value))
		say("write", key, pcall(function() scx[key] = value end) and "writable" or "not writable")
	end
end
for name, make in pairs(makers) do
	local ok, object = pcall(make, scx)
	if not ok then
		say("cannot", name, object)
	end
	each_method(object, function(key, value)
		say("object", name .. ":" .. key, about(value))
	end)
	for _, key in ipairs(fields[name]) do
		say("field", name .. "." .. key, ok and type(object[key]) or "nothing")
	end
end
for key in next, host.globals do
	say("global", key, "global")
end
say("modules", select(2, pcall(require, "nothing")))
return scx
]]

local function quoted_list(entries, is_wanted)
	local names = {}
	for _, entry in ipairs(entries) do
		if is_wanted(entry) then
			names[#names + 1] = string.format("%q", entry[1])
		end
	end
	return "{ " .. table.concat(names, ", ") .. " }"
end

-- The names that the probe asks for, and how it makes each object, as Lua before its text.
local function preamble()
	local lines = { "local names = " .. quoted_list(api.scx, function() return true end) }
	lines[#lines + 1] = "local makers, fields = {}, {}"
	for _, object in ipairs(api.objects) do
		lines[#lines + 1] = string.format("makers.%s = function(scx) return %s end", object[1],
			object.make)
		lines[#lines + 1] = string.format("fields.%s = %s", object[1],
			quoted_list({ unpack(object, 2) }, function(entry) return entry.type end))
	end
	return table.concat(lines, "\n") .. "\n"
end

local policy = [[
local scx = require "scx"
local ffi = require "ffi"
return {
	init = function(host)
		for key, value in pairs(host) do
			local line = "probe\thost\t" .. key .. "\t" .. type(value) .. "\n"
			ffi.C.write(2, line, #line)
		end
	end,
	enqueue = function(tasks, n)
		for i = 0, n - 1 do
			scx.dispatch(tasks[i])
		end
	end,
}
]]

-- Runs the probe; what it said: a set of names for each first word, and all of the output.
local function run_probe()
	local dir = os.tmpname()
	os.remove(dir)
	assert(os.execute("mkdir " .. dir .. " && cp -r lua " .. dir) == 0)
	assert(os.rename(dir .. "/lua/scx.lua", dir .. "/lua/scx/real.lua"))
	write_file(dir .. "/lua/scx.lua", preamble() .. probe)
	write_file(dir .. "/policy.lua", policy)
	local pipe = io.popen(string.format("SCXLUA_LIBDIR=%s/lua %s check %s/policy.lua 2>&1", dir,
		scxlua, dir))
	local output = pipe:read("*a")
	pipe:close()
	os.execute("rm -r " .. dir)
	local said = setmetatable({}, { __index = function(t, key)
		t[key] = {}
		return t[key]
	end })
	for what, name, word in output:gmatch("probe\t(%w+)\t([^\t\n]+)\t?([^\n]*)") do
		said[what][name] = word
	end
	return said, output
end

local said, output = run_probe()
if not tap.ok(said.modules and next(said.host), "the probe ran") then
	print("# " .. output:gsub("\n", "\n# "))
end

same("the module", documented(api.scx, ""), said.scx)
for _, entry in ipairs(api.scx) do
	if entry.rw then
		tap.is(said.write[entry[1]], "writable", "a policy may write scx." .. entry[1])
	end
end

local methods, fields = {}, {}
for _, object in ipairs(api.objects) do
	for _, entry in ipairs { unpack(object, 2) } do
		if entry.type then
			fields[object[1] .. "." .. entry[1]] = about(entry)
		else
			methods[object[1] .. ":" .. entry[1]] = about(entry, true)
		end
	end
end
same("methods of the objects", methods, said.object)
same("fields of the objects", fields, said.field)
same("the argument of init()", documented(api.host, ""), said.host)

local globals = {}
for _, name in ipairs(api.globals) do
	globals[name] = "global"
end
same("globals", globals, said.global)

local listed = (next(said.modules) or ""):match("can load (.-), nothing else")
tap.is(table.concat(api.modules, ", "), listed and listed:gsub(" and ", ", "), "modules")

-- Every entry says what it must, with a cost that is explained.
local costs = {}
for _, row in ipairs(api.costs) do
	costs[row[1]] = true
end
local function complete(entries, is_struct)
	for _, entry in ipairs(entries) do
		local ok = type(entry.help) == "string" and entry.help ~= ""
			and (is_struct or costs[entry.cost])
		for _, arg in ipairs(entry.args or {}) do
			ok = ok and arg[2] and arg[3]
		end
		if not ok then
			return entry[1]
		end
	end
end
tap.is(complete(api.task, true) or complete(api.cpu, true) or complete(api.host)
	or complete(api.policy) or complete(api.scx), nil, "every entry has help, types and a cost")

tap.done()
