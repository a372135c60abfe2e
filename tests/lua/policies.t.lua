-- SPDX-License-Identifier: GPL-2.0-only
-- The table of policies/README.md against the policies: each file has its row, with the first
-- sentence of its header as the idea, sources that the header names, and its options as the
-- runtime reads them.
--
-- $SCXLUA is the program (default build/scxlua). With the argument --write the ideas and options of
-- the table are written anew instead (make docs); sources and uses are people's.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"

local scxlua = os.getenv("SCXLUA") or "build/scxlua"

local function output(command)
	local pipe = io.popen(command)
	local text = pipe:read("*a")
	pipe:close()
	return text
end

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

-- ---- what the file says ----

-- The comment at its top, on one line, without the licence.
local function header(path)
	local words = {}
	for line in io.lines(path) do
		if not line:match("^%-%-") then
			break
		end
		words[#words + 1] = not line:match("SPDX") and line:gsub("^%-+%s*", "") or nil
	end
	return (table.concat(words, " "):gsub("%s+", " "):gsub("^ ", ""))
end

-- Stands in for lua/scx/policy.lua, which is scx/real.lua then, and stops once it has the options.
local probe = [[
local ffi = require "ffi"
ffi.cdef "long write(int fd, const void *from, size_t bytes);"
local real = require "scx.real"
real.accept = function(def)
	local keys, out = {}, {}
	for key in pairs(def.options or {}) do
		keys[#keys + 1] = key
	end
	table.sort(keys)
	for _, key in ipairs(keys) do
		local spec = def.options[key]
		out[#out + 1] = string.format(type(spec[1]) == "string" and "`%s` %q" or "`%s` %s", key,
			tostring(spec[1]))
			.. (spec[3] and spec[4] and string.format(" (%.14g..%.14g)", spec[3], spec[4]) or "")
	end
	if def.builtin_idle == false then
		out[#out + 1] = "`builtin_idle` false"
	end
	local line = "options: " .. (#out > 0 and table.concat(out, ", ") or "none") .. "\n"
	ffi.C.write(2, line, #line)
	error("enough")
end
return real
]]

local libdir = os.tmpname()
os.remove(libdir)
assert(os.execute("cp -r lua " .. libdir) == 0)
assert(os.rename(libdir .. "/scx/policy.lua", libdir .. "/scx/real.lua"))
write_file(libdir .. "/scx/policy.lua", probe)

local function options(path)
	local said = output(string.format("SCXLUA_LIBDIR=%s %s check %s 2>&1", libdir, scxlua, path))
	return said:match("options: ([^\n]*)") or said
end

-- ---- what the table says ----

local readme = "policies/README.md"
local ROW = "^| %[(%w+)%]%((%w+%.lua)%) | (.-) | (.-) | (.-) | (.-) |$"

local function idea_of(name)
	return (header("policies/" .. name .. ".lua") .. " "):match("^" .. name .. "%.lua %- (.-)%. ")
end

local function write_table()
	local lines = {}
	for line in read_file(readme):gmatch("([^\n]*)\n") do
		local name, file, _, source, when = line:match(ROW)
		lines[#lines + 1] = name and string.format("| [%s](%s) | %s | %s | %s | %s |", name, file,
			idea_of(name), source, when, options("policies/" .. file)) or line
	end
	write_file(readme, table.concat(lines, "\n") .. "\n")
end

local rows = {}
for line in read_file(readme):gmatch("[^\n]+") do
	local name, file, idea, source, when, opts = line:match(ROW)
	if name then
		rows[name] = { idea = idea, source = source, when = when, options = opts }
		tap.is(file, name .. ".lua", name .. " links to its file")
	end
end

local function check(name, row)
	local path = "policies/" .. name .. ".lua"
	local top = header(path)
	tap.is(row.idea, idea_of(name), name .. ": the idea is the first sentence of its header")
	tap.is(row.options, options(path), name .. ": its options")
	tap.ok(#row.when > 20, name .. ": when to use it")
	local missing = ""
	for source in (row.source == "none" and "" or row.source):gmatch("[^;]+") do
		source = source:match("^%s*(.-)%s*$")
		if not top:lower():find(source:lower(), 1, true) then
			missing = missing .. source .. "; "
		end
	end
	tap.is(missing, "", name .. ": the header names the sources")
end

if arg[1] == "--write" then
	write_table()
	os.execute("rm -r " .. libdir)
	os.exit(0)
end

for path in output("ls policies/*.lua"):gmatch("[^\n]+") do
	local name = path:match("([^/]+)%.lua$")
	local row = rows[name]
	rows[name] = nil
	if tap.ok(row, name .. " has a row in policies/README.md") then
		check(name, row)
	end
end
tap.is(next(rows), nil, "no row is without a file")
os.execute("rm -r " .. libdir)

tap.done()
