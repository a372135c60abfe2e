-- SPDX-License-Identifier: GPL-2.0-only
--
-- robust.lua - what every policy must survive, whatever its idea is; nine tests for each.
--
--   robust.check("policies/llc.lua", { smt = 2 })     the rest of mock.new()'s argument
--
-- First decision by decision, then on a simulated machine whose threads and CPUs come and go. A
-- policy may delay what it decides: time passes here until it has.

local tap = require "tap"
local mock = require "mock"

local M = {}

local MS = 1e6
local PATIENCE = 100 -- milliseconds within which everything must be decided

local function new(path, o, max_tasks)
	local m = mock.new { nr_cpus = 4, smt = o.smt, per_llc = o.per_llc or 2,
		max_tasks = max_tasks, opt = o.opt }
	m:load(path)
	return m
end

-- Lets time pass and asks for decisions until none is held, or patience is at its end.
local function settle(m, room)
	for _ = 1, PATIENCE do
		if m.nr_held == 0 then
			break
		end
		m.now = m.now + MS
		if m.policy.tick then
			m.policy.tick(m.now)
		end
		m:dispatch(room or 8)
	end
	return m.nr_held == 0
end

local function tasks(m, n)
	local list = {}
	for i = 1, n do
		list[i] = m:task { name = "t" .. i, cpu = i % m.nr_cpus }
	end
	return list
end

local function junk_in_data(path, o)
	local m = new(path, o)
	local junk = { 1e300, -1e300, 0 / 0, 1 / 0, -1 / 0, 0.5, -1, 2 ^ 31, 2 ^ 53, 1e-300 }
	for i = 1, 4 * #junk do
		local task = m:task { cpu = i % m.nr_cpus }
		for slot = 0, 3 do
			task.data[slot] = junk[(i + slot * math.floor(i / #junk)) % #junk + 1]
		end
		task.flags = 2 ^ (i % 4)
		m:enqueue(task)
	end
	tap.ok(settle(m) and m.bad == 0 and m.rejected == 0 and #m.decided == 4 * #junk,
		"whatever is in data[], every task is decided once, with possible numbers")
end

local function ring_full(path, o)
	local m = new(path, o)
	m.accept = false
	m:enqueue(unpack(tasks(m, 5)))
	m.now = m.now + 50 * MS
	local held = m:dispatch(8)
	tap.is(held, 5, "no room in the ring: all tasks are kept")
	m.accept = 2
	m:dispatch(8)
	m.accept = true
	tap.ok(settle(m) and #m.decided == 5 and m.rejected == 0, "and each is decided once later")
end

local function room_kept(path, o)
	local m = new(path, o)
	for cpu = 0, 3 do
		m.cpus[cpu].idle, m.cpus[cpu].task_pid = 0, 1
	end
	m:enqueue(unpack(tasks(m, 40)))
	local good = true
	for _ = 1, PATIENCE do
		m.now = m.now + MS
		local before = #m.decided
		local held = m:dispatch(6) -- of 8, so two wait already
		good = good and #m.decided - before <= 6 and held == m.nr_held
		m.outbox = {} -- the kernel takes them
	end
	tap.ok(good and m.nr_held == 0, "no more decisions than there is room for, the rest is counted")
end

local function queue_full(path, o)
	local m = new(path, o, 8)
	for _, task in ipairs(tasks(m, 40)) do
		m:enqueue(task)
	end
	tap.ok(settle(m) and #m.decided == 40, "more tasks than its queues hold: none is lost")
end

local function threads_end(path, o)
	local m = new(path, o)
	local good = true
	for _ = 1, 50 do
		local list = tasks(m, 12)
		m:enqueue(unpack(list))
		for i = 1, 12, 3 do
			m:exit(list[i])
		end
		m.now = m.now + MS
		good = good and m:dispatch(2) == m.nr_held
		for i = 2, 12, 3 do
			m:exit(list[i])
		end
		good = good and settle(m)
	end
	tap.ok(good and m.rejected == 0, "threads that end while they wait are forgotten")
end

-- Entries of all tables that the functions of `value` can reach but through scx and the test's own.
local function nr_entries(value, seen)
	local kind = type(value)
	if kind ~= "table" and kind ~= "function" or seen[value] then
		return 0
	end
	seen[value] = true
	local n = 0
	if kind == "table" then
		for key, entry in pairs(value) do
			n = n + 1 + nr_entries(key, seen) + nr_entries(entry, seen)
		end
		return n
	end
	local i, name, upvalue = 1, debug.getupvalue(value, 1)
	while name do
		n = n + nr_entries(upvalue, seen)
		i = i + 1
		name, upvalue = debug.getupvalue(value, i)
	end
	return n
end

local function no_growth(path, o)
	local m = new(path, o)
	local function size()
		return nr_entries(m.policy, { [m] = true, [m.scx] = true, [m.cpus] = true, [_G] = true })
	end
	local function pass(n)
		for _ = 1, n do
			local list = tasks(m, 8)
			m:enqueue(unpack(list))
			settle(m)
			for _, task in ipairs(list) do
				m:exit(task)
			end
			m.decided, m.outbox, m.kicks = {}, {}, {}
		end
	end
	pass(5)
	local before = size()
	pass(50)
	tap.is(size(), before, "400 threads later no table has grown")
end

-- Half the threads may use some CPUs only; every 20 ms one ends, one comes, a CPU goes or comes.
local function churn(path, o)
	local m = new(path, o)
	local rng = require("scx.random").random(1)
	local function spawn()
		local cpus
		if rng:below(2) == 0 then
			cpus = { 0, 1 + rng:below(3) }
		end
		return m:spawn { cpu = 0, cpus = cpus, weight = 50 + rng:below(200),
			run_ns = (1 + rng:below(20)) * MS / 4, sleep_ns = rng:below(4) * MS }
	end
	for _ = 1, 8 do
		spawn()
	end
	for _ = 1, 200 do
		m:run(20 * MS)
		m:exit(m.threads[1 + rng:below(#m.threads)])
		spawn()
		local cpu = 1 + rng:below(3) -- CPU 0 stays, and every thread may use it
		m:hotplug(cpu, m.cpus[cpu].online == 0)
	end
	tap.ok(m.bad + m.bounced + m.rejected + m.bad_held == 0,
		"threads and CPUs come and go: every decision is possible, and the count of held right")
	return m
end

local function nobody_left(m)
	for cpu = 1, 3 do
		if m.cpus[cpu].online == 0 then
			m:hotplug(cpu, true)
		end
	end
	local before = {}
	for _, task in ipairs(m.threads) do
		before[task] = task.sum_exec_ns
	end
	m:run(1000 * MS)
	local left = 0
	for _, task in ipairs(m.threads) do
		left = left + (task.sum_exec_ns == before[task] and 1 or 0)
	end
	tap.is(left, 0, "and afterwards every thread goes on running")
end

--- Nine tests of a policy. Prints TAP.
-- @param path the policy's file
-- @param o smt, per_llc, opt as for mock.new(); the machine has 4 CPUs, 2 for each cache by default
function M.check(path, o)
	o = o or {}
	junk_in_data(path, o)
	ring_full(path, o)
	room_kept(path, o)
	queue_full(path, o)
	threads_end(path, o)
	no_growth(path, o)
	nobody_left(churn(path, o))
end

return M
