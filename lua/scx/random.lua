-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/random.lua - random numbers for policies: seeded, and the same everywhere.
--
--   rng:uniform()   0 <= x < 1
--   rng:below(n)    0..n-1
--   rng.state       -2^31..2^31-1, all there is to it: export it, and set it in import()
--
-- Marsaglia's xorshift with 32 bits (Xorshift RNGs, Journal of Statistical Software 8(14), 2003;
-- shifts 13, 17, 5): a period of 2^32 - 1 and a few nanoseconds per number. Good enough for a
-- lottery, useless for secrets. math.random() would be one sequence for the whole Lua state.

local ffi = require "ffi"
local bit = require "bit"

local bxor, lshift, rshift, tobit = bit.bxor, bit.lshift, bit.rshift, bit.tobit
local floor = math.floor

ffi.cdef "struct scx_random { int32_t state; };"

local NOT_ZERO = tobit(0x9e3779b9) -- from 0 the generator would never get away
local WARM_UP = 8 -- numbers thrown away, so that seeds that differ by a bit soon differ in half

local random = {}

-- The next 32 bits, as a signed number.
local function step(self)
	local x = self.state
	if x == 0 then
		x = NOT_ZERO
	end
	x = bxor(x, lshift(x, 13))
	x = bxor(x, rshift(x, 17))
	x = bxor(x, lshift(x, 5))
	self.state = x
	return x
end

--- @return a number of 0 <= x < 1, a multiple of 2^-32
function random:uniform()
	return step(self) * 2 ^ -32 + 0.5
end

--- Draws a whole number.
-- @param n how many there are to draw from, 1..2^32; less, or NaN, is taken as 1
-- @return 0..n-1, each as likely as any other but for n / 2^32
function random:below(n)
	if n < 1 or n ~= n then
		return 0
	end
	local x = floor((step(self) * 2 ^ -32 + 0.5) * n) -- not a tail call: see scx/queue.lua
	return x
end

local new = ffi.metatype("struct scx_random", { __index = random })

local M = {}

--- Makes a generator. Not for hot code.
-- @param seed a finite number; only its whole part modulo 2^32 counts. Default 1
-- @return the generator; error if the seed is not a finite number
function M.random(seed)
	seed = seed or 1
	if type(seed) ~= "number" or seed - seed ~= 0 then
		error(string.format("scx.random: expected a finite number as the seed, got %s",
			tostring(seed)), 3)
	end
	local rng = new(bxor(tobit(floor(seed) % 2 ^ 32), NOT_ZERO))
	for _ = 1, WARM_UP do
		step(rng)
	end
	return rng
end

return M
