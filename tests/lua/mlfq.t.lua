-- SPDX-License-Identifier: GPL-2.0-only
-- policies/mlfq.lua: levels, allotments that cannot be gamed, boost, and wakeup latency.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local sound = require "sound"

local MS = 1e6
local MLFQ = "policies/mlfq.lua"
local WAKEUP, EXPIRED = 1, 8

local m

-- Hands the task to the policy after it has run for so long; the decision.
local function after(task, used_ms, flags)
	task.sum_exec_ns = task.sum_exec_ns + used_ms * MS
	task.flags = flags or EXPIRED
	m.now = m.now + used_ms * MS
	m.decided = {}
	m:enqueue(task)
	return m.decided[1]
end

local function load(opt)
	m = mock.new { opt = opt }
	m:load(MLFQ)
end

load { slice_us = 2000, slices = 3, levels = 4, boost_ms = 10000, wait_ms = 300 }
local t = m:task()
local d = after(t, 0)
tap.is(d.slice_ns, 2 * MS, "a new thread is at level 0")
tap.is(d.vtime, m.now, "and behind nobody")
tap.is(after(t, 5).slice_ns, 2 * MS, "it may use three slices there")
tap.is(after(t, 1).slice_ns, 4 * MS, "then it goes down, to longer slices")
d = after(t, 12)
tap.is(d.slice_ns, 8 * MS, "each level doubles the slice")
tap.is(d.vtime - m.now, 200 * MS, "level 2 of 0 to 3 is two thirds of wait_ms behind")
d = after(t, 24)
tap.is(d.slice_ns, 16 * MS, "the last level")
tap.is(d.vtime - m.now, 300 * MS, "is all of it behind")
tap.is(after(t, 48).slice_ns, 16 * MS, "from where a thread goes no further down")
tap.is(after(t, 0.1, WAKEUP).slice_ns, 16 * MS, "nor up when it wakes up")

-- Gaming: it gives up the CPU before each slice ends.
t = m:task()
after(t, 0)
local pieces = 0
repeat
	pieces = pieces + 1
until after(t, 1.9, WAKEUP).slice_ns > 2 * MS or pieces == 10
tap.is(pieces, 4, "what it used is added up, sleeping or not")

load { slice_us = 2000, slices = 1, boost_ms = 100 }
t = m:task()
after(t, 0)
after(t, 2)
local boosted
for _ = 1, 30 do
	local was = t.data[2]
	d = after(t, 4)
	if t.data[2] ~= was then
		boosted = boosted or d.slice_ns
	end
end
tap.is(boosted, 2 * MS, "after boost_ms at level 0 again")
local at = {}
for i = 1, 100 do
	m.now = 1e12
	local task = m:task()
	repeat
		local was = task.data[2]
		m.now = m.now + 1 * MS
		m:enqueue(task)
	until was ~= 0 and task.data[2] ~= was or m.now == 1e12 + 200 * MS
	at[i] = m.now
end
table.sort(at)
tap.ok(at[75] - at[25] > 40 * MS, "threads are boosted at different times")

load { slice_us = 2000, slices = 1, levels = 1 }
t = m:task()
after(t, 0)
d = after(t, 50)
tap.is(d.slice_ns, 2 * MS, "one level is a FIFO: the slice")
tap.is(d.vtime, m.now, "and the order")

load { slices = 1, levels = 8, boost_ms = 10000 }
t = m:task()
for _ = 1, 20 do
	after(t, 300)
end
tap.is(t.data[0], 7, "the last of eight levels")
tap.is(after(t, 1).slice_ns, 100 * MS, "where 128 slices would be more than a slice may be")
m.overrides = {}
m:load(MLFQ)
tap.is(after(t, 1).slice_ns, 1 * MS, "a level that there is no longer: level 0")

-- Interrupts.
load { slice_us = 2000, slices = 1, boost_ms = 10000 }
local hog, other = m:task(), m:task()
after(hog, 0)
after(hog, 2)
after(other, 0)
m.cpus[0].task_pid, m.cpus[0].idle, m.cpus[0].since_ns = hog.pid, 0, m.now
m.cpus[1].task_pid, m.cpus[1].idle, m.cpus[1].since_ns = other.pid, 0, m.now
d = after(m:task(), 0, WAKEUP)
tap.is(d.cpu .. " " .. d.flags, "0 1", "a wakeup interrupts a lower level")
d = after(m:task(), 0, WAKEUP)
tap.is(d.cpu .. " " .. d.flags, "-1 0", "not its own")

-- The property; and one that games.
sound.sooner(MLFQ, { name = "sleeper", run_ns = 0.3 * MS, sleep_ns = 7 * MS })

local function share_of_gamer(path)
	local machine = mock.new { nr_cpus = 1 }
	machine:load(path)
	local tasks = { machine:spawn { name = "gamer", run_ns = 1.9 * MS, sleep_ns = 1000 } }
	for i = 2, 5 do
		tasks[i] = machine:spawn { name = "hog" }
	end
	machine:run(10e9)
	return machine:shares(tasks)[1]
end
local share = share_of_gamer(MLFQ)
print(string.format("# share of one that gives up before its slice ends %.1f %%", share * 100))
tap.ok(share < 0.25, "who gives up just before the slice ends does not get more than a hog")

sound.check(MLFQ)
tap.done()
