-- SPDX-License-Identifier: GPL-2.0-only
-- policies/rr.lua: the order, and the slice by the number of those who wait.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local sound = require "sound"

local MS = 1e6
local RR, FIFO = "policies/rr.lua", "policies/fifo.lua"

local m = mock.new { nr_cpus = 2, opt = { slice_us = 6000, min_us = 500 } }
m:load(RR)
local a, b, c = m:task { name = "a" }, m:task { name = "b" }, m:task { name = "c" }
m:enqueue(a)
tap.is(#m.decided, 0, "nothing is decided before a CPU asks")
m:dispatch(4)
tap.is(m.decided[1].slice_ns, 6 * MS, "alone: the whole slice")
tap.is(m.decided[1].cpu, -1, "on any CPU")
m.decided, m.outbox = {}, {}

m:enqueue(a, b, c)
m:dispatch(4)
tap.is(m.decided[1].slice_ns, 2 * MS, "two others wait: a third")
tap.is(m.decided[2].slice_ns, 2 * MS, "those that were decided before it count still")
tap.is(m:order(), "a b c", "in order of arrival")
m:enqueue(a)
m:dispatch(4)
tap.is(m.decided[1].slice_ns, 1.5 * MS, "three wait in the kernel: a quarter")
m.decided, m.outbox = {}, {}

for _ = 1, 30 do
	m:enqueue(m:task())
end
tap.is(m:dispatch(4), 26, "no more decisions than there is room for")
tap.is(m.decided[1].slice_ns, 0.5 * MS, "never below min_us")

-- A full FIFO: decided at once instead of lost.
m = mock.new { max_tasks = 2 }
m:load(RR)
m:enqueue(m:task(), m:task(), m:task { name = "third" })
tap.is(m:order(), "third", "a task that the queue has no room for is decided at once")

-- In turn: with eight hogs on one CPU a round takes about slice_us, in a FIFO eight slices.
local function round_ms(path)
	local machine = mock.new { nr_cpus = 1, opt = { slice_us = 5000 } }
	machine:load(path)
	local hogs = {}
	for i = 1, 8 do
		hogs[i] = machine:spawn { name = "hog" }
	end
	machine:run(1e9)
	machine:mark()
	for _, hog in ipairs(hogs) do
		machine.sim[hog].max_wait_ns = 0
	end
	machine:run(1e9)
	local worst, least = 0, 1
	for i, share in ipairs(machine:shares(hogs)) do
		worst = math.max(worst, machine.sim[hogs[i]].max_wait_ns)
		least = math.min(least, share)
	end
	return worst / MS, least * 8
end

local rr_ms, least = round_ms(RR)
local fifo_ms = round_ms(FIFO)
tap.ok(rr_ms <= 5, "eight hogs: each waits for no more than slice_us")
tap.ok(fifo_ms >= 3 * rr_ms, "a FIFO lets them wait for three times as long")
tap.ok(least > 0.99, "and all get the same")
print(string.format("# longest wait %.1f ms, in a FIFO %.1f ms", rr_ms, fifo_ms))

sound.check(RR)
tap.done()
