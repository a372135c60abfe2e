-- SPDX-License-Identifier: GPL-2.0-only
-- policies/sjf.lua: the prediction, the order, the bound on waiting, and mean completion times.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local sound = require "sound"

local MS = 1e6
local SJF, FIFO = "policies/sjf.lua", "policies/fifo.lua"

local m = mock.new { opt = { longest_us = 100000, round_us = 200000, slice_us = 5000 } }
m:load(SJF)

-- In ms, from the beginning of the round: half of the predicted rest.
local function rest()
	local vtime = m.decided[1].vtime
	return (vtime - (m.now - m.now % (200 * MS))) / 2 / MS
end

-- Hands the task over when it wakes up after `bursts` of so long each; the prediction, ms.
local function wake(task, burst_ms, bursts)
	task.sum_exec_ns = task.sum_exec_ns + burst_ms * MS * (bursts or 1)
	task.nvcsw = task.nvcsw + (bursts or 1)
	task.exec_ns = 0
	m.decided = {}
	m:enqueue(task)
	return rest()
end

-- The same when a slice of its burst is over.
local function expire(task, ran_ms)
	task.sum_exec_ns = task.sum_exec_ns + ran_ms * MS
	task.exec_ns = task.exec_ns + ran_ms * MS
	m.decided = {}
	m:enqueue(task)
	return rest()
end

local t = m:task()
m:enqueue(t)
tap.is(m.decided[1].vtime, m.now, "a new thread is expected to be brief")
tap.is(m.decided[1].slice_ns, 5 * MS, "the slice")
tap.is(m.decided[1].cpu .. " " .. m.decided[1].flags, "-1 0", "on any CPU, nobody interrupted")
tap.is(wake(t, 8), 4, "a burst counts half")
tap.is(wake(t, 8), 6, "the one before a quarter")
tap.is(wake(t, 2), 4, "shorter again")
tap.is(wake(t, 4, 1000), 4, "bursts that were not seen count with their mean")
tap.is(expire(t, 3), 1, "a slice is over: what is missing to the prediction")
tap.is(expire(t, 3), 2, "overrun by 2 ms: it will go on for 2 ms")
tap.is(expire(t, 14), 16, "and so on")
tap.is(expire(t, 200), 100, "longest_us bounds it")
wake(t, 0)
tap.is(t.data[0], 112 * MS, "the burst as a whole counts, when it is over")

t = m:task { sum_exec_ns = 3600e9, nvcsw = 3.6e6 }
m.decided = {}
m:enqueue(t)
tap.is(rest(), 0.5, "a thread from before: half of its mean burst so far")

local function queued()
	table.sort(m.decided, function(x, y) return x.vtime < y.vtime end)
	return m:order()
end
local long, mid = m:task { name = "long" }, m:task { name = "mid" }
local short = m:task { name = "short" }
for _ = 1, 10 do
	wake(long, 20)
	wake(mid, 5)
	wake(short, 1)
end
m.decided = {}
m:enqueue(long, mid, short)
tap.is(queued(), "short mid long", "the shortest first")
m:enqueue(long)
m.now = m.now + 150 * MS
m:enqueue(short)
tap.is(queued(), "short long", "however late in the round it comes")
m:enqueue(long)
m.now = m.now + 60 * MS
m:enqueue(short)
tap.is(queued(), "long short", "a new round: the long one has waited long enough")

-- The property: every 200 ms a batch of bursts of all lengths; the mean time until one is done.
local function mean_completion(path)
	local machine = mock.new { nr_cpus = 2, builtin_idle = false } -- no burst is first by luck
	machine:load(path)
	for i = 1, 4 do
		machine:spawn { name = "long", run_ns = (30 + i) * MS, period_ns = 200 * MS }
		machine:spawn { name = "mid", run_ns = (8 + i) * MS, period_ns = 200 * MS }
		machine:spawn { name = "short", run_ns = i * MS, period_ns = 200 * MS }
	end
	machine:run(10e9)
	local sum, nr = 0, 0
	for _, sim in pairs(machine.sim) do
		for _, ns in ipairs(sim.responses) do
			sum, nr = sum + ns, nr + 1
		end
	end
	return sum / nr / MS, nr
end
local sjf_ms, sjf_nr = mean_completion(SJF)
local fifo_ms, fifo_nr = mean_completion(FIFO)
print(string.format("# mean completion %.1f ms of %d bursts, in a FIFO %.1f ms of %d", sjf_ms,
	sjf_nr, fifo_ms, fifo_nr))
tap.is(sjf_nr, fifo_nr, "the same work is done")
tap.ok(sjf_ms < 0.8 * fifo_ms, "a burst takes less than 80 % of the time in a FIFO, on average")

sound.check(SJF)
tap.done()
