-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/policy.lua - checks the table that a policy file returns and makes it ready to be called.
--
-- Errors begin with FILE:LINE: the line of the key in the script's text if it can be found, else
-- where the function is defined, else the script's last line.

local _, host = ...
local ffi = require "ffi"
local nearest = require "scx.nearest"
local option = require "scx.option"

local format = string.format

-- Every key a policy may have, and its type.
local known = {
	name = "string",
	options = "table",
	builtin_idle = "boolean",
	tick_ms = "number",
	init = "function",
	enqueue = "function",
	dispatch = "function",
	exit_task = "function",
	cpu_online = "function",
	cpu_offline = "function",
	tick = "function",
	stats = "function",
	export = "function",
	import = "function",
}

-- The last line that sets `key` (key = ..., function M.key) or has the word return, and the
-- number of lines.
local function find_line(key)
	local nr, found = 0, nil
	local rest = key == "return" and "" or "%s*[=(]"
	for line in (host.text .. "\n"):gmatch("(.-)\n") do
		nr = nr + 1
		local at = key and line:find("%f[%w_]" .. key .. "%f[^%w_]" .. rest)
		local comment = line:find("--", 1, true)
		if at and not (comment and comment < at) then
			found = nr
		end
	end
	return found, host.text:sub(-1) == "\n" and nr - 1 or nr
end

local function fail(key, fmt, ...)
	local word = type(key) == "string" and key:match("^[%w_]+$")
	local line, last = find_line(word)
	error(format("%s:%d: %s", host.chunk, line or last, format(fmt, ...)), 0)
end

local function show(key)
	return type(key) == "string" and format("%q", key) or tostring(key)
end

local function check_keys(def)
	for key, value in pairs(def) do
		local want = known[key]
		if not want then
			fail(key, "unknown key %s in the policy table%s", show(key), nearest(key, known))
		end
		if type(value) ~= want then
			fail(key, "%s: expected a %s, got %s", key, want,
				type(value) == "table" and "a table" or type(value) == "function" and "a function"
				or type(value) .. " " .. show(value))
		end
	end
end

local function check_values(def)
	if def.name and not def.name:match("^[%w_.-]+$") or #(def.name or "") > 31 then
		fail("name", "name: expected 1..31 letters, digits, _ . -, got %q", def.name)
	end
	if def.tick_ms and not (def.tick_ms >= 1 and def.tick_ms <= 60000) then
		fail("tick_ms", "tick_ms: expected 1..60000, got %.14g", def.tick_ms)
	end
	if def.tick and not def.tick_ms then
		fail("tick", "tick: needs tick_ms, the milliseconds between two calls")
	end
	if def.tick_ms and not def.tick then
		fail("tick_ms", "tick_ms: there is no tick() to call")
	end
	if (def.export == nil) ~= (def.import == nil) then
		fail(def.export and "export" or "import", "export and import: one needs the other")
	end
end

local function check(def)
	if type(def) ~= "table" then
		fail("return", "the script must return a policy table, got %s",
			def == nil and "nothing" or type(def))
	end
	check_keys(def)
	if not def.enqueue then
		fail("return", "the policy table has no enqueue(tasks, n)")
	end
	check_values(def)
	local key, wrong = option.declare(def.options)
	if key then
		fail(key, "options.%s: %s", key, wrong)
	end
end

-- Applies -o key=value in order; returns the policy's builtin_idle after that.
local function settle(builtin_idle)
	for _, setting in ipairs(host.settings) do
		local key, text = setting[1], setting[2]
		if key == "builtin_idle" then
			builtin_idle = option.boolean(key, text)
		else
			option.set(key, text)
		end
	end
	return builtin_idle
end

-- What the runtime calls instead of the hooks of every batch. It is never the hook itself that
-- is entered from C: LuaJIT of 2022 crashes when it compiles a function that C called and that
-- ends in a tail call to a C function, as `return queue:len()` does.

local function call_enqueue(enqueue)
	return function(tasks, n)
		enqueue(tasks, n)
	end
end

local function call_dispatch(dispatch)
	return dispatch and function(room)
		local held = dispatch(room)
		return held
	end
end

-- The task comes in the batch array, so that no pointer is boxed per call.
local function call_exit(exit_task, tasks)
	return exit_task and function()
		exit_task(tasks[0])
	end
end

-- How many different numbers of a kind the CPUs have: the greatest + 1.
local function count(cpus, field)
	local greatest = 0
	for i = 0, host.nr_cpus - 1 do
		greatest = math.max(greatest, cpus[i][field])
	end
	return greatest + 1
end

local function describe(name)
	local cpus = ffi.cast("const struct scx_cpu *", host.cpus)
	return {
		name = name,
		nr_cpus = host.nr_cpus,
		nr_cores = count(cpus, "core"),
		nr_llcs = count(cpus, "llc"),
		nr_nodes = count(cpus, "node"),
		cpus = cpus,
		max_tasks = host.max_tasks,
		options = option.values,
	}
end

local M = {}

--- Checks a policy's table and applies the options.
-- @param def what the script returned
-- @return a table for the runtime: the hooks; `call`, what to call instead of some of them;
--   `tasks`, the array for enqueue; `name`, `builtin_idle`, `tick_ms`; and `host`, the argument of
--   init(). Error: FILE:LINE: why
function M.accept(def)
	check(def)
	local tasks = ffi.new("struct scx_task *[?]", host.batch)
	local hooks = {}
	for key, want in pairs(known) do
		if want == "function" then
			hooks[key] = def[key]
		end
	end
	hooks.name = def.name or host.name
	hooks.tick_ms = def.tick_ms
	hooks.builtin_idle = settle(def.builtin_idle)
	hooks.tasks = tasks
	hooks.call = {
		enqueue = call_enqueue(def.enqueue),
		dispatch = call_dispatch(def.dispatch),
		exit_task = call_exit(def.exit_task, tasks),
	}
	hooks.host = describe(hooks.name)
	return hooks
end

return M
