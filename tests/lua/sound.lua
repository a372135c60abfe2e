-- SPDX-License-Identifier: GPL-2.0-only
--
-- sound.lua - for the tests of priority policies.
--
--   sound.check(path)               what each must do, whatever it prefers
--   sound.sooner(path, sleeper)     that a thread among hogs is woken sooner than in a FIFO
--   sound.latency(path, sleeper, o) how soon
--
-- check() is what robust.lua checks; that junk in data[] makes nobody go first or last for long; a
-- reload; then five seconds of a mixed load on two and on four CPUs, with builtin_idle and without,
-- in which nobody may wait for as long as the kernel half's starvation guard allows.

local tap = require "tap"
local mock = require "mock"
local robust = require "robust"

local MS = 1e6
local STARVE_NS = 500 * MS
local FIFO = "policies/fifo.lua"

local sound = {}

local function junk(path)
	local m = mock.new()
	m:load(path)
	for _, v in ipairs { 0 / 0, 1 / 0, -1 / 0, 1e300, -1e300, -1, 0.5, 2 ^ 53 } do
		m:enqueue(m:task { data = { [0] = v, v, v, v }, payload = 2 ^ 32 - 1, nvcsw = 7,
			sum_exec_ns = 5 * MS, exec_ns = 1 * MS, flags = 1 })
		m:dispatch(8)
	end
	local within = #m.decided == 8
	for _, d in ipairs(m.decided) do
		within = within and math.abs(d.vtime - m.now) < 1e9 and d.slice_ns >= 0.1 * MS
			and d.slice_ns <= 100 * MS
	end
	tap.ok(within, "junk in data[]: vtimes and slices are near those of others")
end

local function reload(path)
	local m = mock.new()
	m:load(path)
	m.accept = false
	local a, b, c = m:task(), m:task(), m:task()
	m:enqueue(a, b, c)
	m:dispatch(8)
	m:reload(path, { a, b, c })
	tap.is(m:dispatch(8), 3, "a reload while the ring is full: the tasks are held again")
	m.accept = true
	tap.is(m:dispatch(8), 0, "and decided later")
	tap.is(#m.decided, 3, "once")
end

-- All that a machine has, more than it can do.
local function mixed_load(m, nr_cpus)
	for i = 1, 2 * nr_cpus do
		m:spawn { name = "hog", nice = i % 2 == 0 and 5 or 0 }
		m:spawn { name = "sleeper", nice = -5, run_ns = 0.2 * MS, sleep_ns = (5 + i) * MS }
	end
	m:spawn { name = "nice 19", nice = 19 }
	m:spawn { name = "nice -20", nice = -20, run_ns = 2 * MS, sleep_ns = 8 * MS }
	m:spawn { name = "pinned", cpus = { 1 }, run_ns = 3 * MS, sleep_ns = 20 * MS }
	m:spawn { name = "pinned hog", cpus = { 0 } }
	for i = 1, 20 do
		m:spawn { name = "short", run_ns = 10 * MS, delay_ns = i * 200 * MS }
	end
end

-- The longest wait there was, or is now, and whose.
local function longest_wait(m)
	local worst, name = 0, "nobody"
	local function see(task, wait_ns)
		if wait_ns > worst then
			worst, name = wait_ns, task.name
		end
	end
	for task, sim in pairs(m.sim) do
		see(task, sim.max_wait_ns)
	end
	for _, task in ipairs(m.threads) do
		local run = m.running[task.cpu]
		if not m.sim[task].wake_at and not (run and run.task == task) then
			see(task, m.now - task.enqueue_ns)
		end
	end
	return worst, name
end

local function starves_nobody(path, nr_cpus, builtin_idle)
	local m = mock.new { nr_cpus = nr_cpus, builtin_idle = builtin_idle }
	m:load(path)
	mixed_load(m, nr_cpus)
	m:run(5e9)
	local worst, name = longest_wait(m)
	local what = string.format("%d CPUs, builtin_idle %s: ", nr_cpus, tostring(builtin_idle))
	if not tap.ok(worst < STARVE_NS, what .. "nobody starves") then
		print(string.format("# %s waited for %.1f ms", name, worst / MS))
	end
	tap.is(m.rejected + m.bad + m.bad_held + m.bounced, 0, what .. "no decision is wrong")
end

--- Wakeup latency among hogs on two CPUs.
-- @param path the policy's file
-- @param sleeper the thread, as for m:spawn()
-- @param o nr_hogs (default 8); opt, the policy's options; interrupts: false hides from the policy
--   that a thread was woken. So it is on a real machine: the policy is asked when a slice is over,
--   and whoever is first gets that CPU.
-- @return milliseconds, p99: from the wakeup to running, and to the end of the burst
function sound.latency(path, sleeper, o)
	o = o or {}
	local m = mock.new { nr_cpus = 2, opt = o.opt }
	local policy = m:load(path)
	if o.interrupts == false then
		local enqueue = policy.enqueue
		function policy.enqueue(tasks, n)
			for i = 0, n - 1 do
				tasks[i].flags = 0
			end
			enqueue(tasks, n)
		end
	end
	for _ = 1, o.nr_hogs or 8 do
		m:spawn { name = "hog", comm = "hog" }
	end
	local sim = m.sim[m:spawn(sleeper)]
	m:run(10e9)
	return m:percentile(sim.waits, 99) / MS, m:percentile(sim.responses, 99) / MS
end

--- Two tests: the sleeper's p99 is below a third of what it is in a FIFO, by interrupts, and with
-- more hogs by the order alone. Prints TAP.
function sound.sooner(path, sleeper)
	for _, o in ipairs { {}, { nr_hogs = 12, interrupts = false } } do
		local ms, fifo_ms = sound.latency(path, sleeper, o), sound.latency(FIFO, sleeper, o)
		local how = o.nr_hogs and "by the order alone" or "with interrupts"
		print(string.format("# %s: p99 %.3f ms, in a FIFO %.1f ms", how, ms, fifo_ms))
		tap.ok(ms < fifo_ms / 3, "wakeup latency below a third of that in a FIFO, " .. how)
	end
end

--- Runs all checks on the policy in the file `path`. Prints TAP.
function sound.check(path)
	robust.check(path)
	junk(path)
	reload(path)
	for _, nr_cpus in ipairs { 2, 4 } do
		starves_nobody(path, nr_cpus, true)
		starves_nobody(path, nr_cpus, false)
	end
end

return sound
