-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/trace.lua - records where LuaJIT gave up compiling; only loaded by `scxlua check`.
--
-- host.jit holds attach(), off(), funcinfo(), what this LuaJIT calls its reasons (traceerr) and
-- bytecodes (bcnames), nil where its jit/vmdef.lua is not installed, and hook(): the name of the
-- policy's hook that is running, nil if none is.

local _, host = ...

local format = string.format
local funcinfo = host.jit.funcinfo
local hook = host.jit.hook
local traceerr = host.jit.traceerr
local bcnames = host.jit.bcnames

host.jit.off(true, true) -- this file does not compile: it would report itself

local counts = {} -- hook -> line -> times
local total = 0

local function why(code, info)
	local text = traceerr and traceerr[code]
	if not text then
		return format("reason %s", tostring(code))
	end
	if type(info) == "function" then
		info = "function " .. (funcinfo(info).loc or "built into LuaJIT")
	elseif type(info) == "number" and bcnames and text:find("bytecode", 1, true) then
		info = bcnames:sub(info * 6 + 1, info * 6 + 6):gsub(" ", "")
		text = text:gsub("%%d", "%%s")
	end
	local ok, line = pcall(format, text, info)
	return ok and line or text
end

local function where(func, pc)
	local info = funcinfo(func, pc)
	if info.source and info.currentline then
		return format("%s:%d", info.source:match("^@?(.*)"), info.currentline)
	end
	return info.loc or "?"
end

local function on_event(what, _, func, pc, code, info)
	if what ~= "abort" then
		return
	end
	local line = format("%s: %s", where(func, pc), why(code, info))
	local name = hook() or ""
	local lines = counts[name] or {}
	counts[name] = lines
	lines[line] = (lines[line] or 0) + 1
	total = total + 1
end

host.jit.attach(on_event, "trace")

local M = {}

--- Aborts so far: how many, and an array of { "FILE:LINE: why", hook or "", times }, most
-- frequent first.
function M.aborts()
	local list = {}
	for name, lines in pairs(counts) do
		for line, times in pairs(lines) do
			list[#list + 1] = { line, name, times }
		end
	end
	table.sort(list, function(a, b)
		if a[3] ~= b[3] then
			return a[3] > b[3]
		end
		return a[1] < b[1] or a[1] == b[1] and a[2] < b[2]
	end)
	return total, list
end

--- Stops recording.
function M.stop()
	host.jit.attach(on_event)
end

return M
