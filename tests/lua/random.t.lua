-- SPDX-License-Identifier: GPL-2.0-only
-- Random numbers: range, distribution, seeds, and the state that is exported.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local bit = require "bit"
local random = require("scx.random").random

-- Marsaglia's example, by his own definition with unsigned numbers.
local function xorshift(x)
	x = bit.bxor(x, bit.lshift(x, 13))
	x = bit.bxor(x, bit.rshift(x, 17))
	return bit.bxor(x, bit.lshift(x, 5))
end

local rng = random(1)
rng.state = 2463534242 - 2 ^ 32
tap.is((rng:uniform() - 0.5) * 2 ^ 32, xorshift(bit.tobit(2463534242)), "xorshift 13, 17, 5")
tap.is(rng.state % 2 ^ 32, 723471715, "the first number of the paper's seed")

local function sequence(seed, n)
	local numbers, r = {}, random(seed)
	for i = 1, n do
		numbers[i] = r:below(1000)
	end
	return table.concat(numbers, " ")
end

tap.is(sequence(42, 8), sequence(42, 8), "same seed, same numbers")
tap.ok(sequence(42, 8) ~= sequence(43, 8), "another seed, other numbers")
tap.is(sequence(1, 8), "372 595 19 125 349 764 535 39", "the same on every machine")
tap.is(sequence(nil, 8), sequence(1, 8), "the default seed is 1")
tap.is(sequence(2 ^ 32 + 5.5, 8), sequence(5, 8), "a seed counts modulo 2^32, its whole part")
tap.is(sequence(-1, 8), sequence(2 ^ 32 - 1, 8), "negative seeds too")
for _, junk in ipairs { 0 / 0, 1 / 0, -1 / 0, "7", true } do
	tap.raises("scx.random: expected a finite number as the seed, got " .. tostring(junk),
		"refuses seed " .. tostring(junk), random, junk)
end

-- Range and distribution. Chi-square of 100 buckets: 99 degrees of freedom, 0.1 % above 149.
local function chi_square(draw, nr_buckets, n)
	local buckets, chi = {}, 0
	for i = 0, nr_buckets - 1 do
		buckets[i] = 0
	end
	for i = 1, n do
		local k = draw(i)
		buckets[k] = buckets[k] + 1
	end
	for i = 0, nr_buckets - 1 do
		chi = chi + (buckets[i] - n / nr_buckets) ^ 2 / (n / nr_buckets)
	end
	return chi
end

rng = random(7)
local least, most, sum = 1, 0, 0
for _ = 1, 1e6 do
	local x = rng:uniform()
	least, most, sum = math.min(least, x), math.max(most, x), sum + x
end
tap.ok(least >= 0 and most < 1, "uniform: 0 <= x < 1")
tap.ok(math.abs(sum / 1e6 - 0.5) < 1e-3, "with mean 0.5")
tap.ok(chi_square(function() return rng:below(100) end, 100, 1e6) < 149, "below(100) is uniform")
tap.ok(chi_square(function() return rng:below(10) * 10 + rng:below(10) end, 100, 1e6) < 149,
	"so are pairs")
tap.ok(chi_square(function(seed) return random(seed):below(100) end, 100, 1e5) < 149,
	"and the first numbers of neighbouring seeds")

tap.is(rng:below(1), 0, "below(1) is 0")
for _, n in ipairs { 0, -5, 0 / 0, 0.5 } do
	tap.is(rng:below(n), 0, "below(" .. tostring(n) .. ") is 0")
end
rng.state = 2 ^ 31 - 1
for _ = 1, 1000 do
	local x = rng:below(2 ^ 32)
	if x < 0 or x >= 2 ^ 32 or x % 1 ~= 0 then
		tap.is(x, "0..2^32-1", "below(2^32)")
	end
end

-- The extremes of the state, and zero, from which a bare xorshift would never get away.
for _, state in ipairs { 0, 1, -1, -2 ^ 31, 2 ^ 31 - 1 } do
	rng.state = state
	local x, y = rng:uniform(), rng:uniform()
	tap.ok(x >= 0 and x < 1 and y >= 0 and y < 1 and x ~= y, "goes on from state " .. state)
end

rng = random(3)
rng:uniform()
local state = rng.state
local want = rng:uniform()
local other = random(99)
other.state = state
tap.is(type(state), "number", "the state is a number")
tap.is(other:uniform(), want, "and all there is to it")

tap.done()
