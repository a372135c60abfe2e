-- SPDX-License-Identifier: GPL-2.0-only
-- policies/cgroup.lua: shares of cgroups, then of tasks, the charge in advance, and the slots.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local fair = require "fair"

local MS = 1e6
local SLICE = 5 * MS

local m, policy

local function load_policy(o)
	m = mock.new(o)
	policy = m:load "policies/cgroup.lua"
end

-- The slots in use: cgroup id -> virtual time since the load, in ms.
local function groups()
	local state, ids = policy.export(), {}
	for _, s in ipairs(state.cgroup_slots) do
		ids[s.id] = (s.vtime - 1e12) / MS
	end
	return ids, #state.cgroup_slots
end

local function ran(task, ns)
	task.start_ns, task.stop_ns = m.now, m.now + ns
	task.sum_exec_ns = task.sum_exec_ns + ns
	m:enqueue(task)
end

-- One cgroup has three tasks, the other one: a decision is charged at once, so they alternate.
load_policy()
local a1, a2, a3 = m:task { name = "a1", cgroup_id = 10 }, m:task { name = "a2", cgroup_id = 10 },
	m:task { name = "a3", cgroup_id = 10 }
local b1, b2 = m:task { name = "b1", cgroup_id = 20 }, m:task { name = "b2", cgroup_id = 20 }
m:enqueue(a1, a2, a3, b1, b2)
tap.is(m:dispatch(4), 1, "what is left, over all cgroups")
tap.is(m:order(), "a1 b1 a2 b2", "equal cgroups take turns within a batch")
tap.is(groups()[10], 10, "two slices are charged to each")
ran(a1, 1 * MS)
tap.is(groups()[10], 6, "what was charged too much is given back")
ran(a2, 9 * MS)
tap.is(groups()[10], 10, "and what was used more is charged")
m:dispatch(8)
m:order()

-- Weights: of the cgroup first, of the task inside it.
load_policy()
local heavy = m:task { name = "heavy", cgroup_id = 1, cgroup_weight = 400, weight = 50 }
local light = m:task { name = "light", cgroup_id = 2, cgroup_weight = 25, weight = 10000 }
m:enqueue(heavy, light)
m:dispatch(2)
tap.is(groups()[1], 1.25, "weight 400 pays a quarter of a slice")
tap.is(groups()[2], 20, "weight 25 four slices")
tap.is(m.decided[1].vtime, 1e12, "decisions are in order of the cgroups' virtual time")
m:order()
ran(light, SLICE)
ran(heavy, SLICE)
m:dispatch(1)
tap.is(m:order(), "heavy", "the task's weight does not count outside its cgroup")
m:dispatch(1)
local same = m:task { name = "same", cgroup_id = 1, cgroup_weight = 400, weight = 100 }
m:enqueue(same)
m:dispatch(1)
ran(heavy, SLICE)
ran(same, SLICE)
m:order()
m:dispatch(2)
tap.is(m:order(), "same heavy", "but inside it")

-- The charge in advance is what the task ran last.
load_policy()
local brief = m:task { name = "brief", cgroup_id = 5, start_ns = 1e9, stop_ns = 1e9 + 1 * MS }
m:enqueue(brief)
m:dispatch(1)
tap.is(groups()[5], 1, "a task that ran 1 ms last time is charged that")

-- A cgroup that was away has a slice of credit at most, and one that ran alone is not far ahead.
load_policy()
local away, busy = m:task { cgroup_id = 7 }, m:task { cgroup_id = 8 }
m:enqueue(away, busy)
m:dispatch(2)
for _ = 1, 100 do
	ran(busy, SLICE)
	m:dispatch(1)
end
local vnow = (policy.export().vnow - 1e12) / MS
ran(away, SLICE)
tap.is(groups()[7], vnow - 5, "one slice of credit")
m:dispatch(8)

-- What another policy left in data[] is no debt.
load_policy()
local junk = m:task { cgroup_id = 9, data = { [0] = 1, 0 / 0, 0 / 0, 0 / 0 } }
m:enqueue(junk)
tap.is(groups()[9], 0, "a CPU time that is not a number is not charged")
m:dispatch(1)
junk.data[3] = 0 / 0
ran(junk, SLICE)
tap.is(groups()[9], 5, "nor given back")

-- Slots: reused once a cgroup is gone, shared if there are too many.
load_policy()
for id = 1, 1000 do
	local t = m:task { cgroup_id = id }
	m:enqueue(t)
	m:dispatch(1)
	ran(t, 1000)
	m:dispatch(1)
	m:exit(t)
end
local ids, nr = groups()
tap.ok(nr <= 10, string.format("1000 cgroups, one after the other, took %d slots", nr))
tap.ok(ids[1000], "the last is there")
tap.ok(not ids[500], "an old one is not")
load_policy()
local all = {}
for id = 1, 200 do
	all[id] = m:task { name = "g" .. id, cgroup_id = id }
	m:enqueue(all[id])
end
nr = select(2, groups())
tap.is(nr, 128, "200 at once: all slots are taken")
tap.is(m:dispatch(150), 50, "and those without one are held as well")
m:dispatch(100)
tap.is(#m.decided, 200, "and decided")
for id = 1, 200 do
	ran(all[id], SLICE)
end
tap.is(m:dispatch(200), 0, "and again")

-- A task that moves to another cgroup.
load_policy()
local mover = m:task { name = "mover", cgroup_id = 1 }
m:enqueue(mover)
m:dispatch(1)
mover.cgroup_id = 2
ran(mover, SLICE)
tap.is(groups()[2], 5, "the new cgroup pays")
tap.is(m:dispatch(1), 0, "and has it")

-- A reload keeps who owes what.
load_policy()
a1, b1 = m:task { name = "a1", cgroup_id = 10 }, m:task { name = "b1", cgroup_id = 20 }
m:enqueue(a1)
m:dispatch(1)
ran(a1, SLICE)
m:dispatch(1)
ran(a1, SLICE)
local before = groups()[10]
m.now = m.now + 1e9
policy = m:reload(nil, { a1 })
tap.is(groups()[10], before, "a reload keeps the virtual times")
m:enqueue(b1)
m:order()
m:dispatch(2)
tap.is(m:order(), "b1 a1", "and so the order")

-- Long-run shares: cgroups of weights 100, 200 and 400 with 4, 8 and 12 hogs, half of them nice.
load_policy { nr_cpus = 2 }
local of, total = { {}, {}, {} }, { 0, 0, 0 }
for g = 1, 3 do
	for i = 1, 4 * g do
		of[g][i] = m:spawn { cgroup_id = 100 + g, cgroup_weight = 50 * 2 ^ g,
			weight = i % 2 == 0 and 200 or 100 }
	end
end
m:run(2e9)
m:mark()
m:run(20e9)
local flat = {}
for g = 1, 3 do
	for _, t in ipairs(of[g]) do
		flat[#flat + 1] = t
	end
end
local shares, at = m:shares(flat), 0
for g = 1, 3 do
	local odd, even = 0, 0
	for i = 1, #of[g] do
		at = at + 1
		total[g] = total[g] + shares[at]
		odd, even = odd + (i % 2) * shares[at], even + (1 - i % 2) * shares[at]
	end
	local want = 2 ^ (g - 1) / 7
	tap.ok(math.abs(total[g] / want - 1) < 0.05, string.format(
		"cgroup of weight %d with %d tasks: %.3f, %.3f is fair", 50 * 2 ^ g, #of[g], total[g], want))
	tap.ok(math.abs(even / odd / 2 - 1) < 0.05, string.format(
		"inside it, weight 200 has %.2f times what weight 100 has", even / odd))
end
tap.is(m.bad + m.rejected + m.bad_held, 0, "no decision and no count was wrong")

-- One task in each of two cgroups, on one CPU: both are decided at once.
for _, weight in ipairs { 33, 1 } do
	m = mock.new { nr_cpus = 1 }
	m:load "policies/cgroup.lua"
	local pair = { m:spawn { cgroup_id = 1 }, m:spawn { cgroup_id = 2, cgroup_weight = weight } }
	m:run(2e9)
	m:mark()
	m:run(20e9)
	local got, want = m:shares(pair)[2], weight / (100 + weight)
	tap.ok(math.abs(got / want - 1) < 0.05, string.format(
		"two cgroups, weights 100 and %d: the light one gets %.1f %%, %.1f is fair", weight,
		got * 100, want * 100))
end

fair.check("cgroup", { pair = false, within = 0.05, wait_ms = 15, got = 0.85, cap = 4096 })

tap.done()
