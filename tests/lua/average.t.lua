-- SPDX-License-Identifier: GPL-2.0-only
-- Moving averages and decay: values by hand, limits, and what is refused.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local average = tap.module "scx.average"

local ewma, decay = average.ewma, average.decay

local function near(got, want, name)
	if not tap.ok(math.abs(got - want) <= 1e-9 * math.max(1, math.abs(want)), name) then
		print(string.format("# expected: %.17g\n#      got: %.17g", want, got))
	end
end

tap.is(ewma(0, 8, 2), 4, "ewma: n = 2 goes half of the way")
tap.is(ewma(4, 8, 4), 5, "ewma: n = 4 a quarter")
tap.is(ewma(10, 2, 4), 8, "ewma: down as well")
tap.is(ewma(123, 7, 1), 7, "ewma: n = 1 forgets")
tap.is(ewma(5, 5, 8), 5, "ewma: what is as expected changes nothing")
local avg = 0
for _ = 1, 100 do
	avg = ewma(avg, 1e6, 4)
end
near(avg, 1e6, "ewma: comes to a constant")
local a, b = 0, 0
for i = 1, 50 do
	a = ewma(a, i % 2 * 100, 2)
	b = ewma(b, i % 2 * 100, 8)
end
tap.ok(math.abs(a - 50) > math.abs(b - 50), "ewma: the greater n, the steadier")
for _, n in ipairs { 0, 0.999, -4, 0 / 0 } do
	tap.raises("scx.ewma: expected n of at least 1", "ewma: refuses n = " .. tostring(n), ewma, 0, 1,
		n)
end

tap.is(decay(8, 0, 1e6), 8, "decay: not in no time")
near(decay(8, 1e6, 1e6), 4, "decay: half in a half-life")
near(decay(8, 3e6, 1e6), 1, "decay: an eighth in three")
near(decay(8, 0.5e6, 1e6), 8 / math.sqrt(2), "decay: the rest in between")
near(decay(decay(100, 7, 32), 11, 32), decay(100, 18, 32), "decay: steps do not matter")
tap.is(decay(8, -5e6, 1e6), 8, "decay: nothing grows when a clock is behind")
tap.is(decay(8, 1e18, 1), 0, "decay: all in a very long time")
near(decay(-8, 1e6, 1e6), -4, "decay: below 0 as well")
tap.is(decay(8, 0 / 0, 1e6), 8, "decay: no time at all is no time")
-- One event every 10 ms, half-life 10 ms: 1 + 1/2 + 1/4 ... = 2.
local events = 0
for _ = 1, 60 do
	events = decay(events, 10e6, 10e6) + 1
end
near(events, 2, "decay: counts the events of late")
for _, half_life in ipairs { 0, -1, 0 / 0 } do
	tap.raises("scx.decay: expected a half-life above 0 ns",
		"decay: refuses a half-life of " .. tostring(half_life), decay, 1, 1, half_life)
end

tap.done()
