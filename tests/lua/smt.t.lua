-- SPDX-License-Identifier: GPL-2.0-only
-- policies/smt.lua: whole cores first, siblings only when no whole core is idle; then what that
-- comes to on a simulated machine.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local robust = require "robust"

local SMT = "policies/smt.lua"
local MS = 1e6
local IF_IDLE = 2

-- 8 CPUs in cores of two, two cores to a cache.
local function new(path)
	local m = mock.new { nr_cpus = 8, smt = 2, per_llc = 4 }
	m:load(path or SMT)
	return m
end

local function busy(m, ...)
	for _, cpu in ipairs { ... } do
		m.cpus[cpu].idle, m.cpus[cpu].task_pid = 0, 4711
	end
end

-- Where a task is sent.
local function sent(m, spec)
	local before = #m.decided
	m:enqueue(m:task(spec))
	m:dispatch(16)
	return m.decided[before + 1].cpu
end

local m = new()
tap.is(sent(m, { cpu = 5 }), 5, "all is idle: its last CPU")
tap.is(m.decided[1].flags, IF_IDLE, "if it is idle when the kernel gets to it")
m = new()
busy(m, 4)
tap.is(sent(m, { cpu = 5 }), 6, "its last CPU is idle but not the core: a core of the same cache")
busy(m, 6)
tap.ok(sent(m, { cpu = 5 }) < 4, "no core of that cache: one of another")
busy(m, 0, 2)
tap.is(sent(m, { cpu = 5 }), 5, "no whole core: its last CPU beside a busy one")
m = new()
busy(m, 0, 2, 4, 5, 6)
tap.is(sent(m, { cpu = 5 }), 7, "or a sibling near by")
m = new()
busy(m, 0, 1, 3)
tap.is(sent(m, { cpu = 1, cpus = { 1, 2 } }), 2, "only where it may run")

m = new()
busy(m, 0, 1, 2, 3, 4, 5, 6, 7)
m:enqueue(m:task { name = "a" }, m:task { name = "b" }, m:task { name = "c" })
tap.is(#m.decided, 0, "nothing is decided before a CPU asks")
tap.is(m:dispatch(2), 1, "as many as there is room for")
tap.is(m.decided[1].cpu, -1, "nothing is idle: whichever CPU is free first")
m.cpus[3].idle = 1
tap.is(m:dispatch(2), 0, "the last one")
tap.is(m.decided[3].cpu, 3, "gets the CPU that is idle now")
tap.is(m:order(), "a b c", "first come, first served")

-- How many cores n hogs that start one after the other keep busy.
local function nr_cores(path, n)
	local sim = new(path)
	for i = 1, n do
		sim:spawn { cpu = 0, delay_ns = i * 10 * MS }
	end
	sim:run(1000 * MS)
	local nr, seen = 0, {}
	for cpu = 0, 7 do
		local core = sim.cpus[cpu].core
		if sim.running[cpu] and not seen[core] then
			seen[core], nr = true, nr + 1
		end
	end
	return nr, sim
end

for n = 1, 4 do
	tap.is(nr_cores(SMT, n), n, n .. " hogs run on as many cores")
end
tap.ok(nr_cores("policies/fifo.lua", 4) < 4, "with fifo in its place they share cores")
local nr, sim = nr_cores(SMT, 8)
local waited = 0
for _, task in ipairs(sim.threads) do
	waited = math.max(waited, sim.sim[task].max_wait_ns)
end
tap.ok(nr == 4 and waited == 0, "8 hogs on 8 CPUs: siblings are used, nobody waits")

-- A mix that keeps half the CPUs busy: how long two tasks ran on one core while another was idle.
local function shared_ms(path)
	local machine = new(path)
	for i = 1, 6 do
		machine:spawn { cpu = i, run_ns = (3 + i) * MS, sleep_ns = 7 * MS }
	end
	local shared = 0
	for _ = 1, 2000 do
		machine:run(1 * MS)
		local full, idle = 0, 0
		for cpu = 0, 7, 2 do
			local n = (machine.running[cpu] and 1 or 0) + (machine.running[cpu + 1] and 1 or 0)
			full, idle = full + (n == 2 and 1 or 0), idle + (n == 0 and 1 or 0)
		end
		shared = shared + (full > 0 and idle > 0 and 1 or 0)
	end
	return shared
end

local few, many = shared_ms(SMT), shared_ms("policies/fifo.lua")
tap.ok(few < 400 and many > 2 * few,
	string.format("6 threads that come and go: %d of 2000 ms badly placed, with fifo %d", few, many))

robust.check(SMT, { smt = 2 })
tap.done()
