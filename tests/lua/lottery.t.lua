-- SPDX-License-Identifier: GPL-2.0-only
-- policies/lottery.lua: chances by weight, the seed, compensation, and shares.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local fair = require "fair"

local MS = 1e6
local SLICE = 5 * MS

local function load_policy(seed)
	local m = mock.new { opt = { seed = seed } }
	local policy = m:load "policies/lottery.lua"
	return m, policy
end

-- Draws `n` first winners among fresh tasks of these weights; wins by task.
local function draws(weights, n, prepare)
	local m = load_policy(5)
	local wins = {}
	for i = 1, #weights do
		wins[i] = 0
	end
	for _ = 1, n do
		local list = {}
		for i, weight in ipairs(weights) do
			list[i] = m:task { name = tostring(i), weight = weight, flags = m.scx.WAKEUP }
			if prepare then
				prepare(list[i], i)
			end
		end
		m:enqueue(unpack(list))
		m:dispatch(1)
		local first = tonumber(m:order())
		wins[first] = wins[first] + 1
		m:dispatch(#weights)
		m:order()
	end
	return wins
end

-- Chi-square of the wins against these chances.
local function chi_square(wins, chances)
	local n, chi = 0, 0
	for _, w in ipairs(wins) do
		n = n + w
	end
	for i, w in ipairs(wins) do
		chi = chi + (w - n * chances[i]) ^ 2 / (n * chances[i])
	end
	return chi
end

-- 3 degrees of freedom: 0.1 % are above 16.3.
local wins = draws({ 100, 200, 300, 400 }, 20000)
tap.ok(chi_square(wins, { 0.1, 0.2, 0.3, 0.4 }) < 16.3,
	"the winner of 20000 draws: " .. table.concat(wins, " ") .. ", tickets 1 2 3 4")
wins = draws({ 100, 100, 100, 100 }, 20000)
tap.ok(chi_square(wins, { 0.25, 0.25, 0.25, 0.25 }) < 16.3,
	"equal tickets: " .. table.concat(wins, " "))
tap.ok(chi_square(wins, { 0.1, 0.2, 0.3, 0.4 }) > 1000, "which is not what 1 2 3 4 gives")

-- The second used a fifth of its slice: five times the tickets.
wins = draws({ 100, 100 }, 20000, function(task, i)
	task.start_ns = 1e9
	task.stop_ns = 1e9 + (i == 2 and SLICE / 5 or SLICE)
end)
tap.ok(chi_square(wins, { 1 / 6, 5 / 6 }) < 10.8, "compensation: " .. table.concat(wins, " "))
wins = draws({ 100, 100 }, 20000, function(task, i)
	task.start_ns, task.stop_ns = 1e9, 1e9 + (i == 2 and 1 or SLICE)
end)
tap.ok(chi_square(wins, { 1 / 101, 100 / 101 }) < 10.8, "a hundred times at most: "
	.. table.concat(wins, " "))
wins = draws({ 100, 100 }, 20000, function(task, i)
	task.start_ns, task.stop_ns = 1e9, 1e9 + i * SLICE * 10
end)
tap.ok(chi_square(wins, { 0.5, 0.5 }) < 10.8, "a longer run is no penalty: "
	.. table.concat(wins, " "))

-- The seed decides, and nothing else.
local function sequence(seed, reload)
	local m = load_policy(seed)
	local list = {}
	for i = 1, 16 do
		list[i] = m:task { name = tostring(i) }
	end
	m:enqueue(unpack(list, 1, 8))
	m:dispatch(8)
	if reload then
		local policy = m:reload()
		tap.is(type(policy.export().rng), "number", "the state of the generator is exported")
	end
	m:enqueue(unpack(list, 9, 16))
	m:dispatch(8)
	return m:order()
end

tap.is(sequence(1), sequence(1), "same seed, same order")
tap.ok(sequence(1) ~= sequence(2), "another seed, another order")
tap.is(sequence(3, true), sequence(3), "a reload does not begin the sequence again")

-- A task that runs while others are drawn does not lose its part: it goes on from its last win.
local m, policy = load_policy(1)
local a, b = m:task { name = "a" }, m:task { name = "b" }
m:enqueue(a)
m:dispatch(1)
local won = a.data[0]
local last
b.start_ns, b.stop_ns = 0, SLICE
for _ = 1, 50 do
	last = b.data[0]
	m:enqueue(b)
	m:dispatch(1)
end
tap.is(policy.export().drawn, last, "newcomers start from the win of the last that has run")
tap.ok(b.data[0] > won, "others won meanwhile")
m:order()

-- How often a, with its last win at drawn + offset, is before another task in 200 draws.
local function first(offset, flags)
	local times = 0
	for _ = 1, 200 do
		local other = m:task { name = "w", flags = m.scx.WAKEUP }
		a.data[0], a.flags = policy.export().drawn + offset, flags
		m:enqueue(a, other)
		m:dispatch(2)
		times = times + (m:order() == "a w" and 1 or 0)
	end
	return times
end

tap.ok(first(-9 / 100, m.scx.EXPIRED) > 190, "nine turns behind: it is nearly always first")

local function even(times, what)
	tap.ok(times > 60 and times < 140, string.format("%s: first in %d of 200 draws", what, times))
end

even(first(-9 / 100, m.scx.WAKEUP), "one that slept takes part from now on")
even(first(-1e6, m.scx.EXPIRED), "a last win too long ago to be true")
even(first(1e6, m.scx.EXPIRED), "one that is to come")
even(first(0 / 0, m.scx.EXPIRED), "one that is not a number")

-- One that sleeps after a fifth of each slice gets as much CPU time as the hogs. (A hundred,
-- because two that are decided ahead of it cost it some draws.)
m = mock.new { nr_cpus = 1 }
m:load "policies/lottery.lua"
local hogs, hogs_ns = {}, 0
for i = 1, 100 do
	hogs[i] = m:spawn {}
end
local sleeper = m:spawn { run_ns = SLICE / 5, sleep_ns = 1 }
m:run(400e9)
for i = 1, 100 do
	hogs_ns = hogs_ns + hogs[i].sum_exec_ns / 100
end
local ratio = sleeper.sum_exec_ns / hogs_ns
tap.ok(ratio > 0.8 and ratio < 1.1, string.format(
	"a task that sleeps after a fifth of its slice gets %.2f of a hog's time", ratio))

fair.check("lottery", { within = 0.1, run_ns = 400e9, wait_ms = 25, got = 0.8 })

tap.done()
