-- SPDX-License-Identifier: GPL-2.0-only
--
-- gen.lua - what is made from api.lua. Run by the build and the tests, from the top of the tree:
--
--   luajit lua/gen.lua meta        definitions for lua-language-server (scx.meta.lua)
--   luajit lua/gen.lua luacheck    a configuration of luacheck for policies (luacheckrc)
--   luajit lua/gen.lua reference   lua/REFERENCE.md
--   luajit lua/gen.lua man         lua/scxlua-policy.7, its lists replaced
--
-- Writes to standard output. Exit status: 0; 1 for anything else than these four words.

local api = dofile("lua/api.lua")

local out = {}

local function put(fmt, ...)
	out[#out + 1] = select("#", ...) > 0 and fmt:format(...) or fmt
end

-- Breaks text into lines of at most `width` bytes, each after `prefix`.
local function put_wrapped(prefix, text, width)
	local line = prefix
	for word in text:gmatch("%S+") do
		if #line > #prefix and #line + 1 + #word > width then
			put("%s", line)
			line = prefix
		end
		line = line .. (#line > #prefix and " " or "") .. word
	end
	put("%s", line)
end

-- ---- names and types ----

local lua_type = { ["char[]"] = "ffi.cdata*", ["double[]"] = "number[]", double = "number",
	uint64_t = "ffi.cdata*" }

-- The type of a value or field in Lua; integers of up to 32 bits are numbers there.
local function type_of(entry)
	return entry.type or lua_type[entry.c] or "integer"
end

local function is_function(entry)
	return not (entry.type or entry.c)
end

-- An argument's name, and whether it may be left out.
local function argument(arg)
	return arg[1]:gsub("%?$", ""), arg[1]:sub(-1) == "?"
end

local function argument_list(entry)
	local names = {}
	for i, arg in ipairs(entry.args or {}) do
		names[i] = argument(arg)
	end
	return table.concat(names, ", ")
end

-- fun(tasks: scx.task[], n: integer): integer
local function signature(entry)
	local args = {}
	for i, arg in ipairs(entry.args or {}) do
		args[i] = arg[1] .. ": " .. arg[2]
	end
	return "fun(" .. table.concat(args, ", ") .. ")" .. (entry.ret and ": " .. entry.ret[1] or "")
end

-- ---- definitions for editors ----

local function meta_fields(entries, is_optional)
	for _, entry in ipairs(entries) do
		local name = entry[1] .. (is_optional and not entry.needed and "? " or " ")
		put("---@field %s%s %s%s", name, is_function(entry) and signature(entry) or type_of(entry),
			entry.help, entry.rw and " (writable)" or "")
	end
end

local function meta_function(owner, entry)
	put("")
	put_wrapped("--- ", entry.help, 100)
	if entry.err then
		put("--- Error: %s.", entry.err)
	end
	put("--- Cost: %s.", entry.cost)
	for _, arg in ipairs(entry.args or {}) do
		put("---@param %s %s %s", arg[1], arg[2], arg[3])
	end
	if entry.ret then
		put("---@return %s # %s", entry.ret[1], entry.ret[2])
	end
	put("function %s%s(%s) end", owner, entry[1], argument_list(entry))
end

-- A class with its values as fields and its functions as methods of a local.
local function meta_class(name, help, entries, separator)
	local values, functions = {}, {}
	for _, entry in ipairs(entries) do
		local list = is_function(entry) and functions or values
		list[#list + 1] = entry
	end
	local owner = name:match("[^.]*$")
	put("")
	put_wrapped("--- ", help, 100)
	put("---@class %s", name)
	meta_fields(values)
	put("local %s = {}", owner)
	for _, entry in ipairs(functions) do
		meta_function(owner .. separator, entry)
	end
end

local function meta_struct(name, help, entries, is_optional)
	put("")
	put("--- %s", help)
	put("---@class %s", name)
	meta_fields(entries, is_optional)
end

local function meta()
	put("---@meta scx")
	put("")
	put("-- What a policy of scxlua sees, for lua-language-server. Made from lua/api.lua by")
	put("-- lua/gen.lua: do not edit.")
	meta_struct("scx.task", "A live thread, at one address for its life. Fields are read only "
		.. "unless they are said to be writable.", api.task)
	meta_struct("scx.cpu", "A CPU. All fields are read only.", api.cpu)
	meta_struct("scx.host", "The argument of init().", api.host)
	put("")
	put("--- One option of a policy.")
	put("---@class scx.option")
	put("---@field [1] number|boolean|string the default")
	put("---@field [2] string what it is, with the unit")
	put("---@field [3] number? the least value")
	put("---@field [4] number? the greatest value")
	meta_struct("scx.policy", "The table that a policy's file returns.", api.policy, true)
	for _, object in ipairs(api.objects) do
		meta_class("scx." .. object[1], object.help, { unpack(object, 2) }, ":")
	end
	meta_class("scx", "The module of policies.", api.scx, ".")
	put("")
	put("return scx")
end

-- ---- luacheck ----

local function luacheck()
	put("-- luacheck's configuration for policies of scxlua: the globals that a policy has.")
	put("-- Made from lua/api.lua by lua/gen.lua: do not edit. Use: luacheck --config THIS my.lua")
	put("stds.scxlua = { read_globals = {")
	for _, name in ipairs(api.globals) do
		put("\t%q,", name)
	end
	put("} }")
	put('std = "scxlua"')
end

-- ---- the reference ----

local function cell(text)
	return (text:gsub("|", "\\|"))
end

local function reference_table(head, rows)
	put("| %s |", table.concat(head, " | "))
	put("|%s", ("---|"):rep(#head))
	for _, row in ipairs(rows) do
		put("| %s |", cell(table.concat(row, "\1")):gsub("\1", " | "))
	end
	put("")
end

local function reference_values(entries, prefix, with_cost)
	local rows = {}
	for _, entry in ipairs(entries) do
		if not is_function(entry) then
			local row = { "`" .. prefix .. entry[1] .. "`", "`" .. type_of(entry) .. "`",
				entry.help .. (entry.rw and " (writable)" or "") }
			row[#row + 1] = with_cost and entry.cost or nil
			rows[#rows + 1] = row
		end
	end
	if #rows > 0 then
		reference_table({ prefix == "" and "field" or "name", "type", "",
			with_cost and "cost" or nil }, rows)
	end
end

local function reference_function(entry, prefix)
	put("### `%s%s(%s)`", prefix, entry[1], argument_list(entry))
	put("")
	put_wrapped("", entry.help, 100)
	put("")
	if entry.args then
		local rows = {}
		for i, arg in ipairs(entry.args) do
			local name, is_optional = argument(arg)
			rows[i] = { "`" .. name .. "`", "`" .. arg[2] .. "`" .. (is_optional and ", optional"
				or ""), arg[3] }
		end
		reference_table({ "argument", "type", "" }, rows)
	end
	if entry.ret then
		put_wrapped("", "Returns `" .. entry.ret[1] .. "`: " .. entry.ret[2] .. ".", 100)
		put("")
	end
	if entry.err then
		put_wrapped("", "Error: " .. entry.err .. ".", 100)
		put("")
	end
	if entry.cost ~= "hook" then
		put("Cost: %s.", entry.cost)
		put("")
	end
end

local function reference_functions(entries, prefix)
	for _, entry in ipairs(entries) do
		if is_function(entry) then
			reference_function(entry, prefix)
		end
	end
end

local intro = [[
# What a policy can use

Made from [api.lua](api.lua) by [gen.lua](gen.lua): `make docs` writes it again. The interface is
ABI %d. [The guide](../policies/GUIDE.md) shows how to use it, [COSTS.md](COSTS.md) has the
measurements behind the costs.

A policy is a file that returns a table. It gets at everything else with `local scx = require
"scx"`. Times are nanoseconds of `CLOCK_MONOTONIC` unless a name says otherwise: `_us`, `_ms`. Types
are those of lua-language-server: `T?` may be nil, `T[]` is an array, counted from 0 here.
]]

local function reference()
	put(intro, api.abi)
	reference_table({ "cost", "" }, api.costs)
	put("## The policy's table\n")
	put("An unknown key is an error. All but `enqueue` may be left out.\n")
	reference_values(api.policy, "")
	reference_functions(api.policy, "")
	put("## The argument of init()\n")
	reference_values(api.host, "host.")
	put("## A task\n")
	put("One live thread, at one address for its life: a policy needs no table by pid, and nothing")
	put("leaks. Fields are as they were when the task was last enqueued. To write one that is not")
	put("writable is an error.\n")
	reference_values(api.task, "task.")
	put("## A CPU\n")
	put("`scx.cpus[i]`. Read only, in memory that the kernel's half writes: what it says was true a")
	put("moment ago. `core` to `capacity` stay as they are while the CPU is there. `%s`", type_of {
		c = "uint64_t" })
	put("is a 64-bit integer of C: read it with `tonumber()`.\n")
	reference_values(api.cpu, "cpu.")
	put("## The module\n")
	reference_values(api.scx, "scx.", true)
	reference_functions(api.scx, "scx.")
	put("## Objects\n")
	put("Made once, at the top level of the script or in `init`. Methods allocate nothing.\n")
	for _, object in ipairs(api.objects) do
		local entries = { unpack(object, 2) }
		put("## scx.%s\n", object[1])
		put_wrapped("", object.help, 100)
		put("")
		reference_values(entries, object[1] .. ".", true)
		reference_functions(entries, object[1] .. ":")
	end
	put("## Lua\n")
	put_wrapped("", "`require` finds `" .. table.concat(api.modules, "`, `") .. "`, and nothing "
		.. "else. Globals are `" .. table.concat(api.globals, "`, `") .. "`; reading another one or "
		.. "making a new one is an error. There is no `io`, `os`, `print` or `debug`, and `load` "
		.. "takes text only.", 100)
end

-- ---- the manual page ----

-- Text for roff, a sentence a line, as mdoc wants it.
local function roff(text)
	text = text:gsub("\\", "\\e"):gsub("%-%-", "\\-\\-"):gsub("([.?]) (%u)", "%1\n%2")
	return (text:gsub("%f[^\n%z]([.'])", "\\&%1"))
end

local function man_item(entry, prefix)
	if is_function(entry) then
		local words = { ".It Fn " .. prefix .. entry[1] }
		for _, arg in ipairs(entry.args or {}) do
			local name, is_optional = argument(arg)
			words[#words + 1] = is_optional and '"[' .. name .. ']"' or name
		end
		put("%s", table.concat(words, " "))
	else
		put(".It Va %s%s", prefix, entry[1])
	end
	local help = entry.help:match("%.$") and entry.help or entry.help .. "."
	put("%s", roff(help .. (entry.rw and " Writable." or "")))
end

local function man_details(entry)
	for _, arg in ipairs(entry.args or {}) do
		put(".Fa %s :", (argument(arg)))
		put("%s", roff(arg[3] .. "."))
	end
	if entry.ret then
		put("%s", roff("Returns " .. entry.ret[1] .. ": " .. entry.ret[2] .. "."))
	end
end

local function man_list(entries, prefix)
	put(".Bl -tag -width Ds")
	for _, entry in ipairs(entries) do
		man_item(entry, prefix)
		man_details(entry)
	end
	put(".El")
end

local man_section = {
	policy = function() man_list(api.policy, "") end,
	host = function() man_list(api.host, "host.") end,
	task = function() man_list(api.task, "task.") end,
	cpu = function() man_list(api.cpu, "cpu.") end,
	scx = function() man_list(api.scx, "scx.") end,
	objects = function()
		for _, object in ipairs(api.objects) do
			put(".Ss scx.%s", object[1])
			put("%s", roff(object.help))
			man_list({ unpack(object, 2) }, object[1] .. ":")
		end
	end,
}

-- The page itself, with what is between `.\" begin NAME` and `.\" end` made anew.
local function man()
	local inside
	for line in io.lines("lua/scxlua-policy.7") do
		if line == '.\\" end' then
			inside = nil
		end
		if not inside then
			put("%s", line)
		end
		local name = line:match('^%.\\" begin (%l+)$')
		if name then
			man_section[name]()
			inside = name
		end
	end
end

local make = { meta = meta, luacheck = luacheck, reference = reference, man = man }
local what = make[arg[1] or ""]
if not what then
	io.stderr:write("usage: luajit lua/gen.lua meta | luacheck | reference | man\n")
	os.exit(1)
end
what()
io.write(table.concat(out, "\n"), "\n")
