-- SPDX-License-Identifier: GPL-2.0-only
-- State as text: what goes in comes out, what cannot be handed over is named, damage is noticed.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local state = tap.module "scx.state"
local ffi = require "ffi"

local function same(a, b)
	if type(a) ~= "table" or type(b) ~= "table" then
		return a == b
	end
	for k, v in pairs(a) do
		if not same(v, b[k]) then
			return false
		end
	end
	for k in pairs(b) do
		if a[k] == nil then
			return false
		end
	end
	return true
end

local function returns(value, name)
	tap.ok(same(state.decode(state.encode(value)), value), name)
end

returns(nil, "nil")
returns(true, "true")
returns(false, "false")
returns(0.1, "a fraction, exactly")
returns(2 ^ 53, "a large integer, exactly")
returns(1 / 0, "infinity")
returns("", "an empty string")
returns("a\0b{};n1\n", "a string of anything")
returns({}, "an empty table")
returns({ 1, 2, { x = { y = false } }, [true] = "t", [0.5] = "half" }, "nested tables and odd keys")

tap.raises("state.a.2: expected plain data, got function", "a function is named by its path",
	state.encode, { a = { 1, print } })
tap.raises("tasks are handed over by the runtime", "a cdata too", state.encode,
	{ task = ffi.new("int[1]") })
local loop = {}
loop.loop = loop
tap.raises("tables deep, or a cycle", "a cycle", state.encode, loop)

local text = state.encode({ name = "x", list = { 1, 2, 3 }, on = true })
local survived = 0
for i = 0, #text - 1 do
	if pcall(state.decode, text:sub(1, i)) then
		survived = survived + 1
	end
end
tap.is(survived, 0, "every truncation is noticed")
tap.raises("damaged state at byte", "text after the end", state.decode, text .. "t")
tap.raises("damaged state", "nil as a key", state.decode, "{-t}")
tap.raises("damaged state", "a length past the end", state.decode, "s99:abc")
tap.raises("damaged state", "bottomless nesting", state.decode, ("{t"):rep(100))

-- What two texts differ in.
local function differ(before, after, want, name)
	tap.is(state.difference(state.encode(before), state.encode(after)), want, name)
end
differ({ a = 1, b = { "x", true } }, { b = { "x", true }, a = 1 }, nil, "order is no difference")
differ({ t = 1e15 }, { t = 1.001e15 }, nil, "time that has passed is none")
differ({ 0 / 0, 1 / 0, 0 }, { 0 / 0, 1 / 0, 0 }, nil, "what is no number equals itself")
differ({ t = 100 }, { t = 102 }, "state.t was 100, is 102", "a number that has changed")
differ({ t = 1 / 0 }, { t = 100 }, "state.t was inf, is 100", "one that was infinite")
differ({ a = { b = 1 } }, { a = {} }, "state.a.b was 1, is gone", "a key that is gone")
differ({}, { a = "x" }, 'state.a was not there, is "x"', "a key that is new")
differ({ a = {} }, { a = false }, "state.a was a table, is false", "another type")
differ({ b = 1, c = 1, a = 1 }, {}, "state.a was 1, is gone", "the first in order of names")
differ(nil, {}, "state was not there, is a table", "nothing and something")
tap.raises("damaged state", "damaged text is not compared", state.difference, "{", "{}")

tap.done()
