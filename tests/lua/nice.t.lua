-- SPDX-License-Identifier: GPL-2.0-only
-- policies/nice.lua: classes, aging, interrupts; and the wakeup latency of a preferred sleeper.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local sound = require "sound"

local MS = 1e6
local NICE, FIFO = "policies/nice.lua", "policies/fifo.lua"
local WAKEUP = 1

-- The names of what waits in the kernel's queue, in its order.
local function queued(m)
	local list = {}
	for i, d in ipairs(m.decided) do
		list[i] = d
	end
	table.sort(list, function(x, y) return x.vtime < y.vtime end)
	local names = {}
	for i, d in ipairs(list) do
		names[i] = d.task.name
	end
	m.decided = {}
	return table.concat(names, " ")
end

local m = mock.new { opt = { aging_us = 10000, slice_us = 4000 } }
m:load(NICE)
local low, mid, high = m:task { name = "low", nice = 19 }, m:task { name = "mid" },
	m:task { name = "high", nice = -20 }
m:enqueue(low, mid, high)
tap.is(m.decided[1].slice_ns, 4 * MS, "the slice")
tap.is(m.decided[1].cpu, -1, "on any CPU")
tap.is(m.decided[1].vtime - m.decided[3].vtime, 390 * MS, "39 levels are 39 times aging_us")
tap.is(queued(m), "high mid low", "by nice value, whatever the order of arrival")

local first, second = m:task { name = "first", nice = 3 }, m:task { name = "second", nice = 3 }
m:enqueue(first)
m.now = m.now + 1
m:enqueue(second)
tap.is(queued(m), "first second", "within a class by arrival")

m:enqueue(low)
m.now = m.now + 189 * MS
m:enqueue(mid)
m.now = m.now + 2 * MS
m:enqueue(first)
tap.is(queued(m), "mid low first", "19 levels are worth 190 ms of waiting, not more")

-- Interrupts.
m = mock.new()
m:load(NICE)
local hog0, hog5 = m:task { name = "hog0" }, m:task { name = "hog5", nice = 5 }
m:enqueue(hog0, hog5)
for cpu, hog in pairs { [0] = hog0, [1] = hog5 } do
	m.cpus[cpu].task_pid, m.cpus[cpu].idle, m.cpus[cpu].since_ns = hog.pid, 0, m.now
end
m.decided = {}
m:enqueue(m:task { flags = WAKEUP, nice = -1 })
tap.is(m.decided[1].cpu, 1, "a wakeup interrupts the worst class")
tap.is(m.decided[1].flags, 1, "with PREEMPT")
m:enqueue(m:task { flags = WAKEUP, nice = -1 })
tap.is(m.decided[2].cpu, 0, "the next one the next worst")
m:enqueue(m:task { flags = WAKEUP, nice = -1 })
tap.is(m.decided[3].cpu .. " " .. m.decided[3].flags, "-1 0", "then nobody is left")
m.cpus[0].since_ns, m.cpus[1].since_ns = m.now + 1, m.now + 1
m:enqueue(m:task { flags = WAKEUP, nice = 5 })
tap.is(m.decided[4].flags, 0, "not its own class or a better one")
m:enqueue(m:task { flags = 8, nice = -20 })
tap.is(m.decided[5].flags, 0, "only a wakeup interrupts")

-- Two hogs of each class per CPU: one of the better class waits whenever a slice ends.
local function share_of_nice_0(path)
	local machine = mock.new { nr_cpus = 2 }
	machine:load(path)
	local hogs = {}
	for i = 1, 8 do
		hogs[i] = machine:spawn { name = "hog", nice = i <= 4 and 0 or 5 }
	end
	machine:run(10e9)
	local shares = machine:shares(hogs)
	return shares[1] + shares[2] + shares[3] + shares[4], math.min(unpack(shares))
end
local share, least = share_of_nice_0(NICE)
print(string.format("# nice 0 has %.1f %% of the CPUs before nice 5", share * 100))
tap.ok(share > 0.8, "hogs: nice 0 has most of the CPUs before nice 5")
tap.ok(least > 0.005, "but not all: nobody starves")
tap.ok(share_of_nice_0(FIFO) < 0.6, "which a FIFO does not care about")

-- The property.
sound.sooner(NICE, { name = "sleeper", nice = -10, run_ns = 0.3 * MS, sleep_ns = 7 * MS })

sound.check(NICE)
tap.done()
