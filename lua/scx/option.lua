-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/option.lua - a policy's options: declared in its table, set by -o key=value and `set`.
--
--   options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } }
--
-- The first value is the default; its type (number, boolean or string) is the option's. The
-- second says what it is, with the unit. A number may have a least and a greatest value.
-- The current values are in M.values, which is scx.opt.

local nearest = require "scx.nearest"

local format = string.format

local truth = {
	["true"] = true, yes = true, on = true, ["1"] = true,
	["false"] = false, no = false, off = false, ["0"] = false,
}

local declared = {}  -- key -> { default, help, min, max }
local keys = {}      -- sorted, for lists
local settled = false

local values = setmetatable({}, {
	__index = function(_, key)
		if not settled then
			error(format("scx.opt.%s: options have their values from init() on", tostring(key)), 2)
		end
		error(format("scx.opt.%s: the policy declares no such option%s", tostring(key),
			nearest(key, declared)), 2)
	end,
	__newindex = function(_, key)
		error(format("scx.opt.%s: options are set by -o, not by the policy", tostring(key)), 2)
	end,
	__metatable = false,
})

local M = { values = values }

-- How a value is written in a message.
local function show(value)
	if type(value) == "string" then
		return format("%q", value)
	end
	if type(value) == "number" then
		return format("%.14g", value)
	end
	return tostring(value)
end

local function range(spec)
	local min, max = spec[3], spec[4]
	if min and max then
		return format("%.14g..%.14g", min, max)
	end
	return min and format("at least %.14g", min) or max and format("at most %.14g", max)
end

-- Is v a number that the option may have? NaN never is.
local function fits(spec, v)
	return v == v and v >= (spec[3] or -math.huge) and v <= (spec[4] or math.huge)
end

-- What is wrong with an option's declaration, or nil.
local function flaw(key, spec)
	if type(key) ~= "string" or not key:match("^[a-z][a-z0-9_]*$") then
		return "an option's name is made of a-z, 0-9 and _"
	end
	if key == "builtin_idle" then
		return "builtin_idle is an option of every policy; give its default as a key of the policy"
	end
	if type(spec) ~= "table" then
		return format("expected { default, \"help\", min, max }, got %s", type(spec))
	end
	local kind = type(spec[1])
	if kind ~= "number" and kind ~= "boolean" and kind ~= "string" then
		return format("the default must be a number, boolean or string, got %s", kind)
	end
	if type(spec[2]) ~= "string" then
		return format("the second value must be a string that says what it is, got %s", type(spec[2]))
	end
	for k, v in pairs(spec) do
		local ours = k == 1 or k == 2 or k == 3 or k == 4
		if not ours then
			return format("unknown field %s in { default, \"help\", min, max }", show(k))
		end
		if k > 2 and (kind ~= "number" or type(v) ~= "number") then
			return format("the %s must be a number, of an option that is one",
				k == 3 and "least value" or "greatest value")
		end
	end
	if kind == "number" and not fits(spec, spec[1]) then
		return format("the default %s is not in %s", show(spec[1]), range(spec) or "the numbers")
	end
end

--- Checks and takes over what the policy declares.
-- @param options the policy's `options`, or nil
-- @return nil; or the key and what is wrong with it
function M.declare(options)
	for key, spec in pairs(options or {}) do
		local wrong = flaw(key, spec)
		if wrong then
			return tostring(key), wrong
		end
		declared[key] = spec
		keys[#keys + 1] = key
		rawset(values, key, spec[1])
	end
	table.sort(keys)
	settled = true
end

--- Reads a boolean as -o takes it: true false yes no on off 1 0.
-- @return the boolean; error "key: expected true or false, got ..."
function M.boolean(key, text)
	local v = truth[text]
	if v == nil then
		error(format("%s: expected true or false, got %s", key, show(text)), 0)
	end
	return v
end

local function number(key, spec, text)
	local v = tonumber(text)
	if not v or not fits(spec, v) then
		error(format("%s: expected %s, got %s", key, range(spec) or "a number",
			v and show(v) or show(text)), 0)
	end
	return v
end

--- Sets one option.
-- @param key its name; `builtin_idle` is not handled here
-- @param text its value as the user wrote it
-- Errors, without a position because the script is not at fault: no such option (lists those
-- there are), value of the wrong type or out of range. The old value stays then.
function M.set(key, text)
	local spec = declared[key]
	if not spec then
		error(format("no option %q in this policy%s; it has: %s", key, nearest(key, declared),
			table.concat(keys, ", ") .. (#keys > 0 and ", " or "") .. "builtin_idle"), 0)
	end
	local kind = type(spec[1])
	local v = text
	if kind == "number" then
		v = number(key, spec, text)
	elseif kind == "boolean" then
		v = M.boolean(key, text)
	end
	rawset(values, key, v)
end

--- One row per option, sorted: name, value, default, help, range ("" if none), all strings.
function M.list()
	local rows = {}
	for i, key in ipairs(keys) do
		local spec = declared[key]
		rows[i] = { key, tostring(values[key]), tostring(spec[1]), spec[2],
			type(spec[1]) == "number" and range(spec) or "" }
	end
	return rows
end

return M
