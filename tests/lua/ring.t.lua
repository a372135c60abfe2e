-- SPDX-License-Identifier: GPL-2.0-only
-- lua/scx/ring.lua: turns in order, and 20000 random calls against a plain list.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"

local ring = tap.module "scx.ring"

-- The next n turns as text.
local function turns(r, n)
	local seen = {}
	for i = 1, n do
		seen[i] = tostring(r:next())
	end
	return table.concat(seen, " ")
end

local r = ring(8)
tap.is(r:next(), nil, "nobody takes part at first")
tap.is(r:peek(), nil, "so it is nobody's turn")
tap.is(r:len(), 0, "and the length is 0")
tap.ok(r:add(5), "5 takes part")
tap.is(turns(r, 3), "5 5 5", "alone it has every turn")
tap.ok(r:add(0) and r:add(7), "0 and 7, the first and the last number")
tap.is(turns(r, 7), "5 0 7 5 0 7 5", "turns go round in the order of adding")
tap.is(r:peek(), 0, "peek shows whose turn it is")
tap.is(r:peek(), 0, "and does not end it")
tap.ok(not r:add(7), "who takes part already is not added")
tap.is(turns(r, 3), "0 7 5", "and keeps its turn")
tap.ok(r:add(3), "a newcomer ...")
tap.is(turns(r, 4), "0 7 5 3", "... has its turn after the others")
tap.ok(r:remove(0), "who has the turn is removed")
tap.is(turns(r, 3), "7 5 3", "the turn goes to the one after it")
tap.ok(not r:remove(0), "removed once")
tap.ok(r:has(3) and not r:has(0), "has() knows")
tap.is(r:len(), 3, "three are left")
tap.ok(r:remove(7) and r:remove(3) and r:remove(5), "all are removed")
tap.is(r:next(), nil, "nobody is left")
tap.ok(r:add(0), "and one can come back")
tap.is(turns(r, 2), "0 0", "to have every turn again")

for _, odd in ipairs { -1, 8, 1.5, 1e300, 0 / 0, "0", false } do
	tap.ok(not r:add(odd) and not r:remove(odd) and not r:has(odd) and r:len() == 1,
		"no number of the ring: " .. tostring(odd))
end
tap.ok(not r:add(nil) and not r:remove(nil) and not r:has(nil), "nor is nil")

for _, odd in ipairs { 0, -1, 1.5, 2 ^ 20 + 1, 0 / 0, "8", {} } do
	tap.raises("scx.ring: expected a number of 1..1048576, got", "ring of " .. tostring(odd),
		ring, odd)
end
tap.raises("got nil", "ring without a size", ring)

-- A list whose first entry has the turn.
local function model(n)
	local list = {}
	local function find(i)
		for at, other in ipairs(list) do
			if other == i then
				return at
			end
		end
	end
	return {
		add = function(i)
			local fresh = i >= 0 and i < n and not find(i)
			if fresh then
				list[#list + 1] = i
			end
			return fresh
		end,
		remove = function(i)
			local at = find(i)
			if at then
				table.remove(list, at)
			end
			return at ~= nil
		end,
		has = function(i) return find(i) ~= nil end,
		next = function()
			local i = table.remove(list, 1)
			list[#list + 1] = i
			return i
		end,
		peek = function() return list[1] end,
		len = function() return #list end,
	}
end

local N = 6
local m, wrong = model(N), 0
r = ring(N)
math.randomseed(1)
local calls = { "add", "add", "remove", "has", "next", "peek", "len" }
for _ = 1, 20000 do
	local call = calls[math.random(#calls)]
	local i = math.random(-1, N)
	if r[call](r, i) ~= m[call](i) then
		wrong = wrong + 1
	end
end
tap.is(wrong, 0, "20000 random calls answer as a plain list does")

local big = ring(1000)
for i = 0, 999 do
	big:add(i)
end
local function churn()
	for i = 0, 999 do
		big:remove(i)
		big:add(big:next())
		big:add(i)
	end
end
for _ = 1, 100 do
	churn()
end
collectgarbage()
collectgarbage "stop"
local before = collectgarbage "count"
churn()
tap.ok(collectgarbage "count" - before < 1, "3000 calls allocate nothing")

tap.done()
