-- SPDX-License-Identifier: GPL-2.0-only
--
-- interactive.lua - threads that are named, or wake up often for a short while, go first.
--
-- A task is put off by up to delay_us behind those that come after it: not at all if its name is
-- in the option `names`, else in proportion to the length of its CPU bursts (the time between two
-- sleeps) and in inverse proportion to how often it woke up lately. Threads on which somebody
-- waits wake up often and run briefly; hogs do neither (the interactivity score of ULE: Roberson,
-- 2003; the latency criticality of scx_lavd: Min, 2024). A burst of burst_us after one wakeup is
-- put off by delay_us; a tenth of it, or one after ten wakeups, by a tenth of that.
-- A wakeup interrupts a CPU whose task is put off by delay_us / 10 more. Nobody waits longer than
-- delay_us more than in a FIFO, whoever is named.
-- data[0] is the average burst, nanoseconds, data[1] the CPU time at its end, data[2] the wakeups
-- of late, as of the time data[3], payload the number of sleeps then. Blind to nice. A bad choice
-- for throughput, and for servers where all threads look alike: then it is a FIFO with overhead.

local scx = require "scx"
local band = require("bit").band
local ewma, decay, min, max = scx.ewma, scx.decay, math.min, math.max

local dispatch, opt = scx.dispatch, scx.opt
local CPU_ANY, PREEMPT, WAKEUP = scx.CPU_ANY, scx.PREEMPT, scx.WAKEUP

local NEWEST = 4         -- a burst counts for 1 / NEWEST of the average
local HALF_LIFE_NS = 2e8 -- of a wakeup
local LIMIT_NS = 1e9     -- no burst counts as longer
local COUNT = 2 ^ 30     -- sleeps are counted modulo this

local names = scx.names()
local running = scx.running() -- by delay
local queue = scx.heap()      -- only of those that found the ring to the kernel full

local function init()
	for name in opt.names:gmatch("[^,]+") do
		names:add(name:match("^%s*(.-)%s*$"), true)
	end
end

-- Brings the task's numbers up to date. Bursts that found an idle CPU are not seen here, but they
-- are in the counts of the thread: they are taken with their mean.
local function observe(task)
	local data, now = task.data, task.enqueue_ns
	local done = task.sum_exec_ns - task.exec_ns -- in bursts that are over
	local sleeps = (task.nvcsw - task.payload) % COUNT
	local burst, woken, since = data[0], data[2], data[3]
	if not (burst >= 0 and burst <= LIMIT_NS and data[1] >= 0 and woken >= 0 and woken <= COUNT
			and since <= now) then
		data[0], data[2] = 0, 0 -- left by another policy
	elseif sleeps > 0 then
		data[0] = min(ewma(burst, max(done - data[1], 0) / sleeps, NEWEST), LIMIT_NS)
		data[2] = decay(woken, now - since, HALF_LIFE_NS) + min(sleeps, 100)
	else
		return
	end
	data[1], data[3], task.payload = done, now, task.nvcsw % COUNT
end

local function delay_of(task, burst_ns, delay_ns)
	if names:get(task) then
		return 0
	end
	local data = task.data
	local burst = max(data[0], task.exec_ns)
	local woken = max(decay(data[2], task.enqueue_ns - data[3], HALF_LIFE_NS), 1)
	return min(burst / (burst_ns * woken), 1) * delay_ns
end

local function enqueue(tasks, n)
	local slice_ns, burst_ns, delay_ns = opt.slice_us * 1000, opt.burst_us * 1000, opt.delay_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		observe(task)
		local delay = delay_of(task, burst_ns, delay_ns)
		local key = task.enqueue_ns + delay
		local cpu = band(task.flags, WAKEUP) ~= 0 and running:victim(task, delay + delay_ns / 10)
		if not dispatch(task, cpu or CPU_ANY, slice_ns, key, cpu and PREEMPT or 0) then
			queue:push(task, key)
		end
		running:set(task, delay)
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:peek()
		if task == nil or not dispatch(task, CPU_ANY, slice_ns, queue:key()) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "interactive",
	options = {
		names = { "", "NAME,NAME,...: threads that are never put off; read at load" },
		delay_us = { 100000, "by how much a hog is put off, microseconds", 0, 1e6 },
		burst_us = { 10000, "burst of a thread that counts as a hog, microseconds", 100, 1e6 },
		slice_us = { 3000, "time slice, microseconds", 100, 100000 },
	},
	init = init,
	enqueue = enqueue,
	dispatch = dispatch_some,
}
