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

tap.done()
