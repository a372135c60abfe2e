-- SPDX-License-Identifier: GPL-2.0-only
-- policies/chaos.lua: random within its bounds, and the same again with the same seed.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local robust = require "robust"

-- LuaJIT of 2022 sometimes compiles this test's loop so that a decision comes a step early; never
-- with the compiler off, and never in the policy, which is all that is compiled in the worker.
jit.off()

local CHAOS = "policies/chaos.lua"
local MS = 1e6
local NR = 2000

local function new(path, opt)
	local m = mock.new { nr_cpus = 4, opt = opt }
	m:load(path)
	return m
end

-- NR tasks, one every 0.3 ms, on a machine that always has room. Each decision as a line: task,
-- CPU, slice, flags, delay in steps of 0.1 ms; and the decisions.
local function record(path, opt)
	local m = new(path, opt)
	local lines, arrived = {}, {}
	for step = 1, 10 * NR do
		m.now = m.now + 0.1 * MS
		if step % 3 == 0 and step < 3 * NR then
			local task = m:task { name = tostring(step), cpu = step % 4 }
			arrived[task] = m.now
			m:enqueue(task)
		end
		m:dispatch(8)
		for i = #lines + 1, #m.decided do
			local d = m.decided[i]
			d.delay_ns = m.now - arrived[d.task]
			lines[i] = string.format("%s %d %.0f %d %.0f", d.task.name, d.cpu, d.slice_ns, d.flags,
				d.delay_ns)
		end
	end
	return table.concat(lines, "\n"), m.decided
end

-- Least, greatest and mean of a number.
local function spread(list, of)
	local least, most, sum = math.huge, -math.huge, 0
	for _, item in ipairs(list) do
		local x = of(item)
		least, most, sum = math.min(least, x), math.max(most, x), sum + x
	end
	return least, most, sum / #list
end

local function delay(d) return d.delay_ns end
local function slice(d) return d.slice_ns end

local text, decided = record(CHAOS)
tap.is(#decided, NR - 1, "every task is decided")
local least, most, mean = spread(decided, delay)
tap.ok(least >= 0 and most <= 2.2 * MS, "nobody is delayed for more than delay_us and a cycle")
tap.ok(most > 1.8 * MS and mean > 0.9 * MS and mean < 1.2 * MS, "and everything up to it occurs")
least, most, mean = spread(decided, slice)
tap.ok(least >= 0.1 * MS and most <= 5 * MS, "slices of 100 us to slice_us")
tap.ok(most > 4.8 * MS and mean > 2.3 * MS and mean < 2.8 * MS, "all of them")
local cpus, misplaced, preempts, overtaken = {}, 0, 0, 0
for i, d in ipairs(decided) do
	cpus[d.cpu] = (cpus[d.cpu] or 0) + 1
	misplaced = misplaced + (d.cpu ~= -1 and 1 or 0)
	preempts = preempts + (d.flags == 1 and 1 or 0)
	overtaken = overtaken + (i > 1 and d.task.pid < decided[i - 1].task.pid and 1 or 0)
end
tap.ok(misplaced > 0.45 * NR and misplaced < 0.55 * NR, "half of them get a random CPU")
least, most = spread({ cpus[0], cpus[1], cpus[2], cpus[3] }, function(n) return n end)
tap.ok(least > 0.1 * NR and most < 0.15 * NR, "each CPU as often as any other")
tap.ok(preempts > 0.015 * NR and preempts < 0.035 * NR, "some of those interrupt what runs there")
tap.ok(overtaken > 0.2 * NR, "tasks overtake each other")

tap.ok(record(CHAOS) == text, "the same seed and arrivals: the same decisions")
tap.ok(record(CHAOS, { seed = 2 }) ~= text, "another seed: others")
local calm = record(CHAOS, { misplace = 0, preempt = 0, delay_us = 0, slice_us = 100 })
tap.ok(calm:find "^3 %-1 100000 0 0\n6 %-1 100000 0 0\n", "nothing left to chance: as fifo")
tap.ok(record("policies/fifo.lua") == record("policies/fifo.lua")
	and select(2, spread(select(2, record("policies/fifo.lua")), delay)) == 0,
	"with fifo in its place nothing is random")

-- What is drawn for a task does not depend on when a CPU asks.
local function drawn(room)
	local m = new(CHAOS)
	for i = 1, 200 do
		m.now = m.now + MS
		m:enqueue(m:task { name = tostring(i) })
		m:dispatch(room)
	end
	local of = {}
	for _, d in ipairs(m.decided) do
		of[d.task.name] = d.slice_ns .. " " .. d.cpu
	end
	return of
end
local slow, fast = drawn(1), drawn(64)
local same = 0
for i = 1, 150 do
	same = same + (slow[tostring(i)] == fast[tostring(i)] and 1 or 0)
end
tap.is(same, 150, "a machine with less room: other times, the same draws")

local m = new(CHAOS, { misplace = 100, delay_us = 0 })
m:hotplug(2, false)
local wrong = 0
for i = 1, 200 do
	m:enqueue(m:task { cpus = i % 2 == 0 and { 0, 2 } or nil })
	m.now = m.now + 1
	m:dispatch(8)
end
for _, d in ipairs(m.decided) do
	wrong = wrong + (d.cpu == 2 and 1 or 0) + (d.cpu > 0 and d.task.allowed_ and 1 or 0)
end
tap.ok(#m.decided == 200 and wrong == 0, "no CPU that is gone or not allowed")

-- Delays never come near the 20 ms after which the kernel would take the task itself.
m = new(CHAOS, { delay_us = 10000 })
for i = 1, 8 do
	m:spawn { cpu = i % 4, run_ns = MS, sleep_ns = i * MS }
end
local longest, oldest = 0, {}
for _ = 1, 2000 do
	m:run(0.5 * MS)
	for _, task in ipairs(m.threads) do
		oldest[task] = task.held_ and (oldest[task] or m.now) or nil
		longest = math.max(longest, task.held_ and m.now - oldest[task] or 0)
	end
end
tap.ok(longest > 8 * MS and longest < 15 * MS, "the longest delay, on a machine with a tick")

robust.check(CHAOS)
tap.done()
