-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/ring.lua - some of the numbers 0..n-1 (CPUs, caches, queues) that take turns.
--
--   ring:add(i)      i takes part, its first turn after all the others'
--   ring:remove(i)   i takes part no longer; whose turn comes after does not change
--   ring:has(i)      does i take part?
--   ring:next()      whose turn it is, which ends that turn; nil if nobody takes part
--   ring:peek()      whose turn it is; nil if nobody takes part
--   ring:len()       how many take part
--
-- A list linked both ways through two arrays that are as long as they will ever be: every method
-- takes the same time whatever n is, and none allocates. Whatever is not one of the numbers, such
-- as 1.5, nil or NaN, never takes part.

local format = string.format

local OUT = -1 -- in after[]: takes no part

local ring = {}
ring.__index = ring

--- Lets i take part.
-- @param i 0..n-1
-- @return true; false if it does already (it keeps its turn) or is none of the ring's numbers
function ring:add(i)
	local after, before, at = self.after, self.before, self.at
	if after[i] ~= OUT then
		return false
	end
	if at == OUT then
		after[i], before[i] = i, i
		self.at = i
	else
		local last = before[at]
		after[last], before[i] = i, last
		after[i], before[at] = at, i
	end
	self.nr = self.nr + 1
	return true
end

--- Lets i take part no longer.
-- @return true; false if it did not
function ring:remove(i)
	local after, before = self.after, self.before
	local following = after[i]
	if following == nil or following == OUT then
		return false
	end
	after[before[i]], before[following] = following, before[i]
	if self.at == i then
		self.at = following ~= i and following or OUT
	end
	after[i] = OUT
	self.nr = self.nr - 1
	return true
end

--- Does i take part? Any value may be asked for.
function ring:has(i)
	local following = self.after[i]
	return following ~= nil and following ~= OUT
end

--- Whose turn it is; the next call gives the one after it.
-- @return a number that takes part; nil if there is none
function ring:next()
	local i = self.at
	if i == OUT then
		return nil
	end
	self.at = self.after[i]
	return i
end

--- What next() would return, without ending the turn.
function ring:peek()
	local i = self.at
	if i == OUT then
		return nil
	end
	return i
end

--- How many numbers take part, 0..n.
function ring:len()
	return self.nr
end

--- Makes a ring in which nobody takes part yet. Not for hot code.
-- @param n how many numbers there are, 1..2^20
-- @return the ring; error if n is something else
return function(n)
	if type(n) ~= "number" or not (n >= 1 and n <= 2 ^ 20) or n % 1 ~= 0 then
		error(format("scx.ring: expected a number of 1..1048576, got %s", tostring(n)), 2)
	end
	local after, before = {}, {}
	for i = 0, n - 1 do
		after[i], before[i] = OUT, OUT
	end
	return setmetatable({ after = after, before = before, at = OUT, nr = 0 }, ring)
end
