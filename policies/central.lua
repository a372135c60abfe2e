-- SPDX-License-Identifier: GPL-2.0-only
--
-- central.lua - long slices, cut short only if somebody waits; one CPU is spared.
--
-- For virtual machines and number crunching, where each interruption costs: a task runs for
-- long_us. Every 20 ms tick() looks whether others wait, and have for a tick, and interrupts as
-- many tasks that have had slice_us. central_cpu is the last to be given a task, and for
-- slice_us only if it is idle then, so that short tasks and the worker have a CPU. After the
-- kernel's scx_central.
-- There one CPU decides, here the worker does on whichever CPU asks for work; slices there have no
-- end, here they end after --max-slice-us at the latest, and are renewed by --slice-us while
-- nobody waits; and where all CPUs are busy the ticks themselves interrupt one.
-- Units: options in microseconds, else nanoseconds. A central_cpu that does not exist spares none.
-- First come, first served: nice has no effect. A bad choice for interactive use.

local scx = require "scx"

local dispatch, pick_idle = scx.dispatch, scx.pick_idle
local opt, cpus, NR_CPUS = scx.opt, scx.cpus, scx.nr_cpus
local CPU_ANY, IF_IDLE, PREEMPT = scx.CPU_ANY, scx.IF_IDLE, scx.PREEMPT
local TICK_MS = 20

local queue = scx.fifo()
local nr_waited = 0            -- how many waited for any CPU at the last tick
local turn = 0                 -- the CPU after the one that was last interrupted
local cut_ns, owed_ns = {}, {} -- by CPU: when it was last interrupted, given a pinned task
for cpu = 0, NR_CPUS - 1 do
	cut_ns[cpu], owed_ns[cpu] = 0, 0
end

local function is_overdue(cpu, now)
	local c = cpus[cpu]
	return c.task_pid ~= 0 and c.online == 1
		and now - math.max(tonumber(c.since_ns), cut_ns[cpu]) >= opt.slice_us * 1000
end

-- Does a task wait for this very CPU?
local function is_owed(cpu, now)
	local c = cpus[cpu]
	return c.queued > 0 or owed_ns[cpu] > tonumber(c.since_ns) and now - owed_ns[cpu] >= TICK_MS * 1e6
end

local function tick(now)
	local waiting = scx.nr_queued()
	for cpu = 0, NR_CPUS - 1 do
		waiting = waiting - cpus[cpu].queued
	end
	local wanted = math.min(waiting, nr_waited)
	nr_waited = waiting
	local first = turn
	for i = 0, NR_CPUS - 1 do
		local cpu = (first + i) % NR_CPUS
		if is_overdue(cpu, now) then
			local owed = is_owed(cpu, now)
			if (owed or wanted > 0) and scx.kick(cpu, PREEMPT) then
				cut_ns[cpu], turn = now, (cpu + 1) % NR_CPUS
				wanted = owed and wanted or wanted - 1
			end
		end
	end
end

local function send(task, cpu, flags)
	local slice_us = cpu == opt.central_cpu and opt.slice_us or opt.long_us
	return dispatch(task, cpu, slice_us * 1000, nil, flags)
end

-- To an idle CPU, if there is one; to the first that is free; to the only one that it may use, so
-- that no other is interrupted for it.
local function send_one(task, now)
	local cpu = pick_idle(task)
	if cpu == opt.central_cpu then
		cpu = pick_idle(task) or cpu -- which is given out once
	end
	if cpu then
		return send(task, cpu, IF_IDLE)
	elseif task.nr_cpus_allowed > 1 or cpus[task.cpu].online == 0 then
		return send(task, CPU_ANY, 0)
	end
	owed_ns[task.cpu] = now
	return send(task, task.cpu, 0)
end

local function enqueue(tasks, n)
	for i = 0, n - 1 do
		if not queue:push(tasks[i]) then
			send(tasks[i], CPU_ANY, 0)
		end
	end
end

local function dispatch_some(room)
	local now = scx.now()
	for _ = 1, room do
		local task = queue:peek()
		if not task or not send_one(task, now) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "central",
	options = {
		central_cpu = { 0, "the CPU that is spared", 0, 65535 },
		slice_us = { 20000, "how long a task runs though others wait, microseconds", 100, 100000 },
		long_us = { 100000, "time slice while nobody waits, microseconds", 100, 1000000 },
	},
	builtin_idle = false, -- it would take the central CPU like any other
	tick_ms = TICK_MS,
	tick = tick,
	enqueue = enqueue,
	dispatch = dispatch_some,
}
