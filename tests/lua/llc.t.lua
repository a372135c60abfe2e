-- SPDX-License-Identifier: GPL-2.0-only
-- policies/llc.lua: at home while home has an idle CPU, elsewhere only if somewhere is one, and
-- back in the queue of home otherwise; then what that comes to on a simulated machine.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local robust = require "robust"

local LLC = "policies/llc.lua"
local MS = 1e6
local EXPIRED, IF_IDLE = 8, 2

-- 8 CPUs, 0-3 and 4-7 with a cache each.
local function new(path, o)
	o = o or {}
	o.nr_cpus, o.per_llc = 8, 4
	local m = mock.new(o)
	m:load(path or LLC)
	return m
end

local function busy(m, ...)
	for _, cpu in ipairs { ... } do
		m.cpus[cpu].idle, m.cpus[cpu].task_pid = 0, 4711
	end
end

-- Where a task is sent, and with which flags; nil if it is not.
local function sent(m, spec)
	local before = #m.decided
	m:enqueue(m:task(spec))
	m:dispatch(16)
	local d = m.decided[before + 1]
	return d and d.cpu, d and d.flags
end

local m = new()
local cpu, flags = sent(m, { cpu = 5 })
tap.is(cpu, 5, "its last CPU is idle: there")
tap.is(flags, IF_IDLE, "if it is idle when the kernel gets to it")
cpu = sent(m, { cpu = 5 })
tap.ok(cpu > 5 or cpu == 4, "given out: another CPU at home")

m = new()
busy(m, 5)
tap.is(sent(m, { cpu = 5 }), 4, "its last CPU is busy: another at home, though a cache is idle")
m = new(nil, { smt = 2 })
busy(m, 4, 6)
cpu = sent(m, { cpu = 6 })
tap.ok(cpu == 5 or cpu == 7, "at home beside a busy sibling, though whole cores are idle")

busy(m, 5, 7)
local a = m:task { cpu = 6 }
m:enqueue(a)
m:dispatch(16)
tap.ok(m.decided[2].cpu < 4, "home is busy: to an idle CPU elsewhere")
tap.is(a.data[0], 1, "which is its home from then on")

m = new()
busy(m, 4, 5, 6, 7, 0, 1, 2)
m:enqueue(m:task { name = "guest", cpu = 6 }, m:task { name = "local", cpu = 1 })
m:dispatch(2)
tap.is(m:order(), "local", "an idle CPU is for the one whose home it is, though another came first")

m = new()
busy(m, 0, 1, 2, 3, 4, 5, 6, 7)
a = m:task { name = "a", cpu = 6 }
local b, c = m:task { name = "b", cpu = 6 }, m:task { name = "c", cpu = 1 }
m:enqueue(a, b, c)
tap.is(m:dispatch(8), 3, "one waits for each CPU: the others can still go anywhere")
tap.is(m:dispatch(9), 2, "one fewer waits: one is decided")
m.cpus[0].idle, m.cpus[0].task_pid = 1, 0
m:dispatch(16)
local where = {}
for _, d in ipairs(m.decided) do
	where[d.task.name] = d.cpu
end
tap.ok(where.a >= 4, "a CPU of its home, though all are busy")
tap.is(where.c, 0, "the idle CPU for the one whose home it is")
tap.ok(where.b >= 4 and where.b ~= where.a, "the CPUs of a home in turn")

m = new()
cpu = sent(m, { cpu = 1, data = { [0] = 2 } })
tap.ok(cpu >= 4, "woken on another cache than it was sent to: still at home")
cpu = sent(m, { cpu = 1, data = { [0] = 2 }, flags = EXPIRED })
tap.ok(cpu < 4, "it has run there: that is its home")

m = new()
tap.is(sent(m, { cpu = 1, cpus = { 6 } }), 6, "not allowed at home: where it is allowed")
busy(m, 0, 1, 2, 3, 4, 5, 6, 7)
tap.is(sent(m, { cpu = 1, cpus = { 6, 7 } }), -1, "or on whichever of those comes free")

m = new()
for i = 4, 7 do
	m:hotplug(i, false)
end
busy(m, 0, 1, 2, 3)
tap.is(sent(m, { cpu = 5 }), -1, "all CPUs of its home are gone: it goes out all the same")

-- How often tasks changed their cache in 5 s, at 6 hogs for each of the two.
local function nr_moves(path)
	local sim = new(path)
	local llc, nr = {}, 0
	for i = 1, 12 do
		sim:spawn { cpu = i % 2 * 4 + i % 4 }
	end
	sim:run(100 * MS)
	for _ = 1, 1000 do
		for _, task in ipairs(sim.threads) do
			local now = sim.cpus[task.cpu].llc
			nr = nr + (llc[task] and llc[task] ~= now and 1 or 0)
			llc[task] = now
		end
		sim:run(5 * MS)
	end
	return nr, sim
end

local moves, sim = nr_moves(LLC)
tap.is(moves, 0, "12 hogs, 6 for each cache: none ever leaves its own")
tap.ok(nr_moves("policies/fifo.lua") > 1000, "with fifo in its place they move all the time")
local least, most, total = math.huge, 0, 0
for _, task in ipairs(sim.threads) do
	least, most = math.min(least, task.sum_exec_ns), math.max(most, task.sum_exec_ns)
	total = total + task.sum_exec_ns
end
tap.ok(total > 0.999 * 8 * 5100 * MS, "and no CPU is ever idle")
tap.ok(least > 0.95 * most, "and all get about the same")

-- All from one cache: the load spreads, and as soon as it has, nobody waits.
sim = new()
for _ = 1, 8 do
	sim:spawn { cpu = 0 }
end
sim:run(1000 * MS)
local seen, waited, nr = {}, 0, 0
for _, task in ipairs(sim.threads) do
	nr = nr + (seen[task.cpu] and 0 or 1)
	seen[task.cpu] = true
	waited = math.max(waited, sim.sim[task].max_wait_ns)
end
tap.is(nr, 8, "8 hogs of one cache get a CPU each")
tap.is(waited, 0, "at once")

-- Two hogs for each CPU, and one that may use only one of them: its turn comes as the others'.
sim = new()
for _ = 1, 16 do
	sim:spawn {}
end
local pinned = sim:spawn { cpus = { 3 }, cpu = 3 }
sim:run(5000 * MS)
tap.ok(sim.sim[pinned].nr_runs > 100 and sim.sim[pinned].max_wait_ns < 100 * MS, string.format(
	"a pinned hog among 16 runs %d times, and waits %.0f ms at most", sim.sim[pinned].nr_runs,
	sim.sim[pinned].max_wait_ns / MS))

-- Bursts shorter than a slice, of threads that want more CPUs than home has.
sim = new()
for i = 1, 24 do
	sim:spawn { cpu = 0, run_ns = 2 * MS, sleep_ns = 3 * MS + i * 1000 }
end
sim:run(2000 * MS)
total = 0
for _, task in ipairs(sim.threads) do
	total = total + task.sum_exec_ns
end
tap.ok(total > 0.97 * 8 * 2000 * MS, "24 threads that want 9.6 CPUs keep 8 busy")

robust.check(LLC)
tap.done()
