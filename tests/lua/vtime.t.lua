-- SPDX-License-Identifier: GPL-2.0-only
-- policies/vtime.lua decision by decision, with tasks that are plain tables and a queue in Lua.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"

local MS = 1e6
local SLICE = 5 * MS

local decided -- what scx.dispatch() was told, in order
local accept  -- what it returns

local function heap()
	local q = { list = {} }
	function q:push(task, key)
		if #self.list >= 8 then
			return false
		end
		table.insert(self.list, { task = task, key = key })
		table.sort(self.list, function(a, b) return a.key < b.key end)
		return true
	end
	function q:pop()
		local first = table.remove(self.list, 1)
		return first and first.task
	end
	function q:len()
		return #self.list
	end
	return q
end

local function load_policy()
	decided, accept = {}, true
	package.loaded.scx = {
		CPU_ANY = -1,
		heap = heap,
		opt = { slice_us = SLICE / 1000 },
		now = function() return 1e12 end,
		dispatch = function(task, cpu, slice_ns, vtime)
			if accept then
				decided[#decided + 1] = { task = task, cpu = cpu, slice_ns = slice_ns, vtime = vtime }
			end
			return accept
		end,
	}
	return dofile("policies/vtime.lua")
end

local function task(name, weight)
	return { name = name, weight = weight or 100, sum_exec_ns = 0, data = { [0] = 0, 0 } }
end

local function enqueue(policy, ...)
	local n = select("#", ...)
	local batch = {}
	for i = 1, n do
		batch[i - 1] = (select(i, ...))
	end
	policy.enqueue(batch, n)
end

local function order()
	local names = {}
	for i, d in ipairs(decided) do
		names[i] = d.task.name
	end
	return table.concat(names, " ")
end

local policy = load_policy()
local a, b, c = task "a", task("b", 200), task("c", 50)
enqueue(policy, a, b, c)
tap.is(#decided, 0, "nothing is decided before a CPU asks")
tap.is(policy.dispatch(2), 1, "dispatch: as many as there is room for, and says what is left")
tap.is(order(), "a b", "equal vtimes: first come, first served")
tap.is(decided[1].slice_ns, SLICE, "slice in nanoseconds")
tap.is(decided[1].cpu, -1, "on any CPU")
tap.is(decided[1].vtime, decided[2].vtime, "new tasks start level")
tap.is(policy.dispatch(2), 0, "nothing left")

-- All use 4 ms: the heavy one pays half, the light one double.
for _, t in ipairs { a, b, c } do
	t.sum_exec_ns = 4 * MS
end
decided = {}
local start = a.data[0]
enqueue(policy, c, a, b)
policy.dispatch(3)
tap.is(order(), "b a c", "the heavy task first, the light one last")
tap.is(a.data[0] - start, 4 * MS, "weight 100 pays what it used")
tap.is(b.data[0] - start, 2 * MS, "weight 200 pays half")
tap.is(c.data[0] - start, 8 * MS, "weight 50 pays double")

-- A task that slept while the clock went on gets one slice of credit at most.
local sleeper = task "sleeper"
enqueue(policy, sleeper)
policy.dispatch(1)
for i = 1, 100 do
	a.sum_exec_ns = (4 + 10 * i) * MS
	enqueue(policy, a)
	policy.dispatch(1)
end
local vnow = a.data[0]
sleeper.sum_exec_ns = 1 * MS
enqueue(policy, sleeper)
tap.is(sleeper.data[0], vnow - SLICE, "a sleeper is at most one slice ahead")
local fresh = task "fresh"
enqueue(policy, fresh)
tap.is(fresh.data[0], vnow, "a new task starts at the current vtime")
decided = {}
policy.dispatch(2)
tap.is(order(), "sleeper fresh", "the credit counts")

-- Numbers that another policy left in data[].
for _, junk in ipairs { 1e300, -1e300, 0 / 0, 1 / 0 } do
	local t = task "junk"
	t.data[0], t.data[1] = junk, junk
	vnow = policy.export().vnow
	enqueue(policy, t)
	tap.ok(t.data[0] >= vnow - SLICE and t.data[0] <= vnow + 100 * SLICE,
		"bounded whatever was there: " .. tostring(junk))
	policy.dispatch(1)
end

-- The ring to the kernel is full: the task stays queued.
policy = load_policy()
enqueue(policy, task "x", task "y")
accept = false
tap.is(policy.dispatch(8), 2, "no room after all: both are still held")
accept = true
tap.is(policy.dispatch(8), 0, "and go out later")
tap.is(#decided, 2, "each once")

-- The heap is full: decided at once instead of lost.
policy = load_policy()
for i = 1, 10 do
	enqueue(policy, task("t" .. i))
end
tap.is(order(), "t9 t10", "tasks that do not fit are dispatched at once")

local later = load_policy()
later.import(policy.export())
tap.is(later.export().vnow, policy.export().vnow, "the clock survives a reload")
later.import({})
tap.ok(later.export().vnow > 0, "state of another policy is ignored")

tap.done()
