-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/average.lua - scx.ewma and scx.decay: memory of the past in one number.
--
--   data[0] = scx.ewma(data[0], burst_ns, 4)             what is typical: a quarter of the newest
--   data[1] = scx.decay(data[1], dt_ns, 100e6) + 1       how often lately: events of about 100 ms
--
-- The first moves once per sample, whenever it comes; the second fades with time, so that the
-- caller adds what happens. Both are plain arithmetic on numbers that the caller keeps, for
-- instance in task.data[], and allocate nothing.

local format = string.format

local M = {}

--- Exponentially weighted moving average, moved on by one sample.
-- The estimate of the next CPU burst in textbooks (Silberschatz and Galvin, with alpha = 1/n),
-- and of the round-trip time in TCP (Jacobson 1988, n = 8).
-- @param avg the average so far; start with the first sample, or with 0 to approach it from below
-- @param sample the new value, in the same unit
-- @param n 1 or more: a sample counts for 1/n; 1 forgets all that was
-- @return the new average. Error: n is below 1 or not a number
function M.ewma(avg, sample, n)
	if n >= 1 then
		return avg + (sample - avg) / n
	end
	error(format("scx.ewma: expected n of at least 1, got %.14g", n), 2)
end

--- Exponential decay over a time: half of the value is left after each half-life.
-- As the load averages of the kernel (PELT, 2012: half-life 32 ms).
-- @param value any number
-- @param dt_ns nanoseconds since it was last right; not above 0: nothing decays, so that clocks
--   of two CPUs that differ do no harm
-- @param half_life_ns nanoseconds, above 0
-- @return value * 2^(-dt_ns / half_life_ns). Error: half_life_ns is not above 0
function M.decay(value, dt_ns, half_life_ns)
	if half_life_ns > 0 then
		return dt_ns > 0 and value * 0.5 ^ (dt_ns / half_life_ns) or value
	end
	error(format("scx.decay: expected a half-life above 0 ns, got %.14g", half_life_ns), 2)
end

return M
