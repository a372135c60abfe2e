-- SPDX-License-Identifier: GPL-2.0-only
-- policies/eevdf.lua: eligibility, deadlines, lag, and the average that they are measured by.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local fair = require "fair"

local MS = 1e6
local SLICE = 3 * MS

local m, policy, V0

local function load_policy(o)
	m = mock.new(o)
	policy = m:load "policies/eevdf.lua"
	V0 = policy.export().V
end

-- A task with this virtual runtime and deadline, in ms from the start, as if it had run before.
local function task(name, v, weight, deadline)
	local t = m:task { name = name, weight = weight, flags = m.scx.EXPIRED }
	t.data[0] = V0 + v * MS
	t.data[3] = deadline and V0 + deadline * MS or 0
	return t
end

local function near(got, want, name)
	tap.ok(math.abs(got - want) < 10, string.format("%s: %.3f ms, want %.3f ms", name,
		(got - V0) / MS, (want - V0) / MS))
end

-- Eligible first: V is the average by weight, and who is past it does not run, however urgent.
load_policy()
local a, b, c = task("a", 0), task("b", 1), task("c", 2.3, 300)
m:enqueue(a, b, c)
near(a.data[3], V0 + SLICE, "a deadline is a slice after the virtual runtime")
near(c.data[3], V0 + 2.3 * MS + SLICE / 3, "for weight 300 a third of a slice")
m:dispatch(1)
near(policy.export().V, V0 + (0 + 1 + 3 * 2.3) / 5 * MS, "V is the average by weight")
tap.is(m:order(), "a", "of those that are owed something, the earliest deadline")
m:dispatch(1)
tap.is(m:order(), "b", "c has an earlier deadline, but has had more than its part")
m:dispatch(1)
tap.is(m:order(), "c", "and runs when the others have")

load_policy()
a, b, c = task("a", 0, 100, 2), task("b", 0.5, 100, 1), task("c", 9)
m:enqueue(a, b, c)
m:dispatch(1)
tap.is(m:order(), "b", "two are eligible: the earlier deadline, not the lower virtual runtime")
near(a.data[3], V0 + 2 * MS, "a request that is not used up keeps its deadline")
tap.is(m.decided[1], nil, "nothing else is decided")
m:dispatch(2)
near(b.data[2], (0 + 0.5 + 9) / 3 * MS - 0.5 * MS, "the lag of b when it was chosen")

-- What is used is charged by weight; a used-up request makes a new deadline.
load_policy()
a, b = m:task { name = "a", weight = 200 }, m:task { name = "b" }
m:enqueue(a, b)
m:dispatch(2)
a.sum_exec_ns, a.flags = 2 * MS, m.scx.PREEMPTED
m:enqueue(a)
near(a.data[0], V0 + 1 * MS, "weight 200 pays half")
near(a.data[3], V0 + 1.5 * MS, "preempted: the deadline stays")
m:dispatch(1)
a.sum_exec_ns, a.flags = 3 * MS, m.scx.EXPIRED
m:enqueue(a)
near(a.data[3], V0 + 3 * MS, "expired: the next request")
m:dispatch(1)

-- A sleeper comes back with the lag it had, less what it used.
b.sum_exec_ns, b.flags = 1 * MS, m.scx.WAKEUP
b.data[2] = 2.5 * MS
local V = policy.export().V
m:enqueue(b)
near(b.data[0], V - 1.5 * MS, "owed 2.5 ms, used 1 ms, woken: owed 1.5 ms")
near(b.data[3], V - 1.5 * MS + SLICE, "with a new deadline")
m:dispatch(1)
b.data[2] = 1e9
m:enqueue(b)
near(b.data[0], policy.export().V - 2 * SLICE, "two slices at most")
m:dispatch(1)
b.data[2], b.sum_exec_ns = 0, 3 * MS
V = policy.export().V
m:enqueue(b)
near(b.data[0], V + 2 * MS, "debts are kept too")
m:dispatch(1)
local fresh = m:task { sum_exec_ns = 5e9, flags = m.scx.NEW }
V = policy.export().V
m:enqueue(fresh)
near(fresh.data[0], V, "a new task starts at V, with no lag, whatever it has used elsewhere")

-- V counts who waits, and no others: after exits, second offers, and with junk in payload.
load_policy()
a, b, c = task("a", 0), task("b", 4), task("c", 8)
m:enqueue(a, b, c)
m:exit(c)
m:dispatch(1)
near(policy.export().V, V0 + 2 * MS, "a task that ended does not count")
load_policy()
a, b, c = task("a", 0), task("b", 4), task("c", 0)
m:enqueue(a, b, c)
c.sum_exec_ns = 8 * MS -- it aged out, and ran
m:enqueue(c)
m:dispatch(1)
near(policy.export().V, V0 + 4 * MS, "a task offered again counts once")
load_policy()
a, b, c = task("a", 0), task("b", 4), task("c", 0)
m:enqueue(b, c)
c.sum_exec_ns = 8 * MS
m:enqueue(a, c)
m:dispatch(1)
near(policy.export().V, V0 + 4 * MS, "whatever comes before it in the batch")
load_policy()
for _, bad in ipairs { 0 / 0, 1e300, -1e300, 1 / 0 } do
	a = task("a", 0)
	a.data[3] = bad
	m:enqueue(a)
	near(a.data[3], V0 + SLICE, "a deadline of " .. tostring(bad) .. " is replaced")
	m:dispatch(1)
end
load_policy()
a, b = task("a", 0), task("b", 4)
local junk = m:task { payload = 12345, data = { [0] = V0 + 1e9 } }
m:enqueue(a, b)
m:exit(junk)
m:dispatch(1)
near(policy.export().V, V0 + 2 * MS, "payload of another policy is not a weight")
m:dispatch(1)
V = policy.export().V
m:enqueue(task("x", -1))
m:dispatch(1)
tap.is(policy.export().V, V, "V never goes back")

for _, bad in ipairs { 0 / 0, -1, 1e300, "x" } do
	policy.import { V = bad }
	tap.is(policy.export().V, V, "import ignores " .. tostring(bad))
end

fair.check("eevdf", { within = 0.05, wait_ms = 8, got = 0.9 })

tap.done()
