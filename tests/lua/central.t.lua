-- SPDX-License-Identifier: GPL-2.0-only
-- policies/central.lua: who is interrupted, when and for whom; the central CPU is the last choice;
-- then what that comes to on a simulated machine.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local robust = require "robust"

local CENTRAL = "policies/central.lua"
local MS = 1e6
local SLICE, LONG = 20 * MS, 100 * MS
local IF_IDLE, PREEMPT = 2, 1

-- 4 CPUs; --slice-us as the policy advises.
local function new(path, opt)
	local m = mock.new { nr_cpus = 4, slice_us = LONG / 1000, opt = opt }
	m:load(path or CENTRAL)
	return m
end

-- The CPUs run a task each, that long.
local function busy(m, ran_ns, ...)
	for _, cpu in ipairs { ... } do
		local c = m.cpus[cpu]
		c.idle, c.task_pid, c.since_ns = 0, 4711, m.now - ran_ns
	end
end

local function sent(m, spec)
	local before = #m.decided
	m:enqueue(m:task(spec))
	m:dispatch(8)
	return m.decided[before + 1]
end

local m = new()
local d = sent(m, { cpu = 0 })
tap.ok(d.cpu ~= 0, "all is idle: not the central CPU")
tap.is(d.slice_ns, LONG, "a long slice")
tap.is(d.flags, IF_IDLE, "if it is idle when the kernel gets to it")
m = new()
busy(m, MS, 1, 2, 3)
d = sent(m, { cpu = 2 })
tap.is(d.cpu, 0, "the others are busy: the central CPU")
tap.is(d.slice_ns, SLICE, "for a short slice")
m = new(nil, { central_cpu = 3 })
tap.is(sent(m, { cpu = 3, cpus = { 3 } }).cpu, 3, "a task that may run nowhere else has it, too")
tap.ok(sent(m, { cpu = 3 }).cpu < 3, "another CPU can be the central one")
m = new(nil, { central_cpu = 64 })
tap.is(sent(m, { cpu = 0 }).cpu, 0, "a central CPU that does not exist spares none")

-- What a tick does, with so many tasks that wait for any CPU.
local function tick(sim, nr_waiting)
	sim.outbox, sim.shared = {}, {}
	for i = 1, nr_waiting do
		sim.shared[i] = {}
	end
	local before = #sim.kicks
	sim.policy.tick(sim.now)
	local kicked = {}
	for i = before + 1, #sim.kicks do
		assert(sim.kicks[i].flags == PREEMPT)
		kicked[#kicked + 1] = sim.kicks[i].cpu
	end
	return table.concat(kicked, " ")
end

m = new()
busy(m, SLICE, 0, 1, 2, 3)
d = sent(m, { cpu = 1 })
tap.ok(d.cpu == -1 and d.flags == 0 and #m.kicks == 0, "all are busy: the newcomer waits")
tap.is(tick(m, 1), "", "not yet for a tick: nobody is interrupted")
tap.is(tick(m, 0), "", "who waited has got a CPU: nobody is interrupted")
tap.is(tick(m, 1), "", "another one waits now")
tap.is(tick(m, 2), "0", "it still does: one is interrupted")
tap.is(tick(m, 2), "1 2", "two do: two are, and nobody twice")
tap.is(tick(m, 0), "", "nobody waits, nobody is interrupted")
m.now = m.now + SLICE - 1
tick(m, 4)
tap.is(tick(m, 4), "3", "only who has had slice_us since the last time")
m.cpus[0].task_pid, m.now = 0, m.now + 1
tap.is(tick(m, 4), "1 2", "the worker, or another class, is not interrupted")

-- A CPU goes in the same cycle in which its pinned task was enqueued.
m = new()
busy(m, SLICE, 0, 1, 2, 3)
m:enqueue(m:task { cpu = 3, cpus = { 3 } })
m:hotplug(3, false)
m:dispatch(8)
tap.ok(#m.decided == 1 and m.decided[1].cpu == -1 and m.bad == 0,
	"a CPU that goes in the middle of a cycle is not named")

-- A task that may run on CPU 2 only is nobody's business but CPU 2's.
m = new()
busy(m, SLICE, 0, 1, 3)
busy(m, MS, 2)
d = sent(m, { cpu = 2, cpus = { 2 } })
tap.ok(d.cpu == 2 and d.flags == 0, "a pinned task goes to its CPU and waits")
tap.is(tick(m, 0), "", "nobody else is interrupted for it")
m.now = m.now + SLICE
tap.is(tick(m, 0), "2", "its own CPU is, after slice_us")
m.cpus[2].since_ns = m.now
m.now = m.now + SLICE
tap.is(tick(m, 0), "", "and no more, once it has got that CPU")
m.cpus[2].queued = 1
tap.is(tick(m, 0), "2", "unless another one waits there")

-- Of 3 hogs on 4 CPUs for 2 s: interruptions, decisions, and is the central CPU free?
local function alone(path)
	local sim = new(path)
	for i = 1, 3 do
		sim:spawn { cpu = 0, delay_ns = i * MS }
	end
	for _ = 1, 2 do -- which always wake up together
		sim:spawn { cpu = 0, run_ns = 0.2 * MS, sleep_ns = 4.8 * MS, delay_ns = 6 * MS }
	end
	sim:run(2000 * MS)
	local runs, hogs_at_centre = 0, 0
	for i = 1, 3 do
		runs = runs + sim.sim[sim.threads[i]].nr_runs
		hogs_at_centre = hogs_at_centre + (sim.threads[i].cpu == 0 and 1 or 0)
	end
	return { runs = runs, kicks = #sim.kicks, hogs_at_centre = hogs_at_centre,
		ends = sim.slice_ends[1] + sim.slice_ends[2] + sim.slice_ends[3] }
end

local got = alone(CENTRAL)
tap.is(got.hogs_at_centre, 0, "3 hogs and 2 sleepers: the central CPU is spared the hogs")
tap.is(got.runs, 3, "the hogs are never interrupted")
tap.is(got.kicks, 0, "nor is anybody")
tap.ok(got.ends <= 3 * 20, "and a slice ends every 100 ms at most")
tap.is(alone("policies/fifo.lua").hogs_at_centre, 1, "with fifo in its place the CPU is not spared")

-- 5 hogs on 4 CPUs: somebody waits all the time.
local function crowd(path)
	local sim = new(path)
	for _ = 1, 5 do
		sim:spawn { cpu = 0 }
	end
	sim:run(4000 * MS)
	local ends, least, wait, total = 0, math.huge, 0, 0
	for cpu = 0, 3 do
		ends = ends + sim.slice_ends[cpu]
	end
	for _, task in ipairs(sim.threads) do
		least, total = math.min(least, task.sum_exec_ns), total + task.sum_exec_ns
		wait = math.max(wait, sim.sim[task].max_wait_ns)
	end
	return { ends = ends / 4, least = least, wait = wait, total = total }
end

got = crowd(CENTRAL)
tap.ok(got.wait > SLICE / 2 and got.wait <= 2 * SLICE, "5 hogs on 4 CPUs: whoever waits soon runs")
tap.ok(got.least > 0.9 * 4000 * MS * 4 / 5, "all get their share")
tap.ok(got.total > 0.999 * 4 * 4000 * MS, "no CPU is idle")
tap.ok(got.ends <= 4 * 51, "no CPU is interrupted more often than every slice_us")
tap.ok(crowd("policies/fifo.lua").ends > 3 * got.ends, "with fifo in its place they are")

robust.check(CENTRAL)
tap.done()
