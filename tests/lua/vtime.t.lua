-- SPDX-License-Identifier: GPL-2.0-only
-- policies/vtime.lua decision by decision, then its shares on a simulated machine.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local fair = require "fair"

local MS = 1e6
local SLICE = 5 * MS

local m, policy

local function load_policy(o)
	m = mock.new(o)
	policy = m:load "policies/vtime.lua"
end

local function task(name, weight)
	return m:task { name = name, weight = weight }
end

load_policy()
local a, b, c = task "a", task("b", 200), task("c", 50)
m:enqueue(a, b, c)
tap.is(#m.decided, 0, "nothing is decided before a CPU asks")
tap.is(m:dispatch(2), 1, "dispatch: as many as there is room for, and says what is left")
tap.is(m.decided[1].slice_ns, SLICE, "slice in nanoseconds")
tap.is(m.decided[1].cpu, -1, "on any CPU")
tap.is(m.decided[1].vtime, m.decided[2].vtime, "new tasks start level")
tap.is(m:order(), "a b", "equal vtimes: first come, first served")
tap.is(m:dispatch(2), 0, "nothing left")

-- All use 4 ms: the heavy one pays half, the light one double.
for _, t in ipairs { a, b, c } do
	t.sum_exec_ns = 4 * MS
end
m:order()
local start = a.data[0]
m:enqueue(c, a, b)
m:dispatch(3)
tap.is(m:order(), "b a c", "the heavy task first, the light one last")
tap.is(a.data[0] - start, 4 * MS, "weight 100 pays what it used")
tap.is(b.data[0] - start, 2 * MS, "weight 200 pays half")
tap.is(c.data[0] - start, 8 * MS, "weight 50 pays double")

-- A task that slept while the clock went on gets one slice of credit at most.
local sleeper = task "sleeper"
m:enqueue(sleeper)
m:dispatch(1)
for i = 1, 100 do
	a.sum_exec_ns = (4 + 10 * i) * MS
	m:enqueue(a)
	m:dispatch(1)
end
local vnow = policy.export().vnow -- from where a ran last
sleeper.sum_exec_ns = 1 * MS
m:enqueue(sleeper)
tap.is(sleeper.data[0], vnow - SLICE, "a sleeper is at most one slice ahead")
local fresh = task "fresh"
m:enqueue(fresh)
tap.is(fresh.data[0], vnow, "a new task starts at the current vtime")
m:order()
m:dispatch(2)
tap.is(m:order(), "sleeper fresh", "the credit counts")

-- Numbers that another policy left in data[].
for _, junk in ipairs { 1e300, -1e300, 0 / 0, 1 / 0 } do
	local t = m:task { data = { [0] = junk, junk } }
	vnow = policy.export().vnow
	m:enqueue(t)
	tap.ok(t.data[0] >= vnow - SLICE and t.data[0] <= vnow + 100 * SLICE,
		"bounded whatever was there: " .. tostring(junk))
	m:dispatch(1)
end

vnow = policy.export().vnow
local held = m:task()
m:dispatch(8)
m:enqueue(held)
m.now = m.now + 1e9
policy = m:reload(nil, { held })
tap.is(policy.export().vnow, vnow, "the clock survives a reload")
tap.is(m:dispatch(8), 0, "and so do the tasks that were held")
tap.is(m:order():match("%d+$"), held.name, "which get their decision")
policy.import({})
tap.ok(policy.export().vnow > 0, "state of another policy is ignored")

fair.check("vtime", { within = 0.05, wait_ms = 10, got = 0.9 })

tap.done()
