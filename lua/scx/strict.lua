-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/strict.lua - the globals of a policy: nothing that reaches outside, and no new ones.
--
-- Run once, before anything else. Takes away what a policy may not use, makes load() text-only,
-- and from then on reading or writing a global that does not exist is an error that names it.
-- This keeps honest scripts honest; what stops a hostile one is the worker's own sandbox.

local _, host = ...
local ffi = require "ffi"
local nearest = require "scx.nearest"

local format = string.format

local outside = "a policy cannot reach files or programs"
local withheld = {
	io = outside,
	os = outside,
	package = outside,
	dofile = outside,
	loadfile = outside,
	module = "return a table instead",
	debug = "the runtime adds FILE:LINE to errors itself",
	jit = "the runtime sets up the compiler",
	collectgarbage = "the runtime runs the collector while idle",
	gcinfo = "the runtime runs the collector while idle",
	print = "use scx.log(fmt, ...)",
	getfenv = "globals are fixed",
	setfenv = "globals are fixed",
	newproxy = "use a table",
}

local load_any = load

-- load() without bytecode: LuaJIT does not verify it, so it can do anything.
local function load_text(chunk, name, _, env)
	return load_any(chunk, name, "t", env)
end

local globals = host.globals
for name in pairs(withheld) do
	globals[name] = nil
end
globals.load = load_text
globals.loadstring = load_text
globals.string.dump = nil
ffi.load = nil

setmetatable(globals, {
	__index = function(_, name)
		local why = withheld[name]
		if why then
			error(format("global %q is not available: %s", name, why), 2)
		end
		error(format("undeclared global %q%s", tostring(name), nearest(name, globals)), 2)
	end,
	__newindex = function(_, name)
		error(format("assignment to undeclared global %q; write `local %s`",
			tostring(name), tostring(name)), 2)
	end,
	__metatable = false,
})

return true
