-- SPDX-License-Identifier: GPL-2.0-only
-- What lua/gen.lua makes: the reference and the manual page are those in the tree, the definitions
-- are Lua and name only types that exist, luacheck takes its standard (a skip without luacheck).

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"

local function output(command)
	local pipe = io.popen(command)
	local text = pipe:read("*a")
	pipe:close()
	return text
end

local function generate(what)
	return output("luajit lua/gen.lua " .. what)
end

local function read_file(path)
	local file = io.open(path)
	local text = file and file:read("*a")
	return file and file:close() and text
end

local function lines(text)
	return text:gmatch("([^\n]*)\n")
end

--- The first line in which two texts differ, or nil.
local function first_difference(a, b)
	local next_b, nr = lines(b), 0
	for line in lines(a) do
		nr = nr + 1
		if line ~= next_b() then
			return string.format("line %d: %s", nr, line)
		end
	end
	return next_b() and string.format("%d lines are not all", nr) or nil
end

local function is_current(what, path)
	local text = generate(what)
	tap.ok(#text > 10000, what .. " has something to say")
	tap.is(first_difference(text, read_file(path) or ""), nil, path .. " is what `make docs` writes")
end

is_current("reference", "lua/REFERENCE.md")
is_current("man", "lua/scxlua-policy.7")

-- ---- the definitions ----

local meta = generate("meta")
local chunk, wrong = loadstring(meta)
tap.is(wrong, nil, "the definitions are Lua")
local module = chunk and chunk()
tap.ok(type(module) == "table" and type(module.dispatch) == "function", "and make a module")

local types = { any = true, boolean = true, integer = true, number = true, string = true,
	table = true, ["nil"] = true, ["ffi.cdata"] = true, fun = true }
for name in meta:gmatch("%-%-%-@class ([%w_.]+)") do
	types[name] = true
end

-- What stands for a type in an annotation, or nil; fun(...) may have blanks.
local function type_in(line)
	local rest = line:match("^%-%-%-@field %S+ (.*)") or line:match("^%-%-%-@param %S+ (.*)")
		or line:match("^%-%-%-@return (.*)")
	local fun, result = (rest or ""):match("^(fun%b())(:? ?%S*)")
	return fun and fun .. (result:sub(1, 1) == ":" and result or "") or rest
		and (rest:match("^table%b<>") or rest:match("^%S+"))
end

local unknown = {}
for line in lines(meta) do
	-- Without quoted words and the names of parameters, what is left are types.
	local text = (type_in(line) or ""):gsub('"[^"]*"', ""):gsub("[%w_.]+%??: ", "")
	for name in text:gmatch("[%a_][%w_.]*") do
		if not types[name] then
			unknown[#unknown + 1] = name .. " in " .. line
		end
	end
	local tag = line:match("^%-%-%-@(%a+)")
	if tag and not ("meta class field param return"):find(tag, 1, true) then
		unknown[#unknown + 1] = line
	end
end
tap.is(table.concat(unknown, "\n"), "", "annotations have known tags and types")

-- Each function has the parameters that its @param lines name, in their order.
local params, broken = {}, {}
for line in lines(meta) do
	local list = line:match("^function [%w_.:]+%((.-)%) end$")
	params[#params + 1] = line:match("^%-%-%-@param ([%w_.]+)")
	if list then
		if list ~= table.concat(params, ", ") then
			broken[#broken + 1] = line
		end
		params = {}
	end
end
tap.is(table.concat(broken, "\n"), "", "functions have the parameters that are described")

-- ---- editors and luacheck are told where it is ----

local luarc = read_file(".luarc.json") or ""
tap.ok(luarc:find('"workspace.library": ["build/library"]', 1, true)
	and read_file("Makefile"):find("$B/library/scx.meta.lua:", 1, true),
	".luarc.json names the directory that the build fills")

local have_luacheck = os.execute("command -v luacheck >/dev/null") == 0
local function luacheck(what, text, pattern)
	if not have_luacheck then
		tap.ok(true, what .. " # SKIP no luacheck")
		return
	end
	local dir = os.tmpname()
	os.remove(dir)
	os.execute("mkdir " .. dir)
	for name, content in pairs { rc = generate("luacheck"), ["my.lua"] = text } do
		local file = assert(io.open(dir .. "/" .. name, "w"))
		file:write(content)
		file:close()
	end
	local said = output(string.format("luacheck --no-color --config %s/rc %s/my.lua", dir, dir))
	os.execute("rm -r " .. dir)
	if not tap.ok(said:find(pattern), what) then
		print("# " .. said:gsub("\n", "\n# "))
	end
end

local policy = read_file("policies/fifo.lua")
luacheck("a policy is clean for luacheck", policy, "0 warnings / 0 errors")
luacheck("a global that a policy does not have is not", "os.exit()\n" .. policy,
	"undefined variable 'os'")

tap.done()
