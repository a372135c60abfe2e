-- SPDX-License-Identifier: GPL-2.0-only
--
-- central.lua - long slices, cut short only if somebody waits; one CPU is spared.
--
-- For virtual machines and number crunching, where each interruption costs: a task runs for
-- long_us, and is interrupted after slice_us if another one waits for its CPU. central_cpu is the
-- last to be given a task, and for slice_us only, so that there is a CPU for all the rest. After
-- the kernel's scx_central. There one CPU decides, here the worker does on whichever CPU asks for
-- work; slices there have no end, here they end after --max-slice-us at the latest, and are
-- renewed by --slice-us while nobody waits; and tick() is no exact timer.
-- Units: options in microseconds, else nanoseconds. A central_cpu that does not exist spares none.
-- First come, first served: nice has no effect. A bad choice for interactive use.

local scx = require "scx"

local dispatch, pick_idle, allowed = scx.dispatch, scx.pick_idle, scx.allowed
local opt, cpus, LAST_CPU = scx.opt, scx.cpus, scx.nr_cpus - 1
local CPU_ANY, IF_IDLE, PREEMPT = scx.CPU_ANY, scx.IF_IDLE, scx.PREEMPT

local KICK_NS = 1e6 -- until then those for whom CPUs were interrupted may still be counted

local queue = scx.fifo()
local overdue, nr_overdue = {}, 0 -- CPUs whose task has had slice_us, found in this cycle
local cut_ns, owed_ns = {}, {}    -- by CPU: when it was last interrupted, given a pinned task
local kicked_ns = 0               -- when any was interrupted for who waits in the kernel
for cpu = 0, LAST_CPU do
	overdue[cpu + 1], cut_ns[cpu], owed_ns[cpu] = 0, 0, 0
end

local function is_overdue(cpu, now)
	local c = cpus[cpu]
	return c.task_pid ~= 0 and c.online == 1
		and now - math.max(tonumber(c.since_ns), cut_ns[cpu]) >= opt.slice_us * 1000
end

-- Interrupts the overdue that a decided task waits for; notes the others.
local function look_around(now)
	local shared = now - kicked_ns > KICK_NS and scx.nr_queued() or 0
	for cpu = 0, LAST_CPU do
		shared = shared - cpus[cpu].queued
	end
	nr_overdue = 0
	for cpu = 0, LAST_CPU do
		if is_overdue(cpu, now) then
			local is_owed = cpus[cpu].queued > 0 or owed_ns[cpu] > tonumber(cpus[cpu].since_ns)
			if (is_owed or shared > 0) and scx.kick(cpu, PREEMPT) then
				cut_ns[cpu], kicked_ns = now, now
				shared = is_owed and shared or shared - 1
			else
				nr_overdue = nr_overdue + 1
				overdue[nr_overdue] = cpu
			end
		end
	end
end

local function send(task, cpu, flags)
	local slice_us = cpu == opt.central_cpu and opt.slice_us or opt.long_us
	return dispatch(task, cpu, slice_us * 1000, nil, flags)
end

-- In place of an overdue task; false if that cannot be.
local function send_overdue(task, cpu, now)
	if not allowed(task, cpu) or not send(task, cpu, PREEMPT) then
		return false
	end
	cut_ns[cpu] = now
	return true
end

-- It can run nowhere else, so no other CPU is interrupted for it.
local function send_pinned(task, now)
	owed_ns[task.cpu] = now
	return is_overdue(task.cpu, now) and send_overdue(task, task.cpu, now)
		or send(task, task.cpu, 0)
end

-- To where it runs at once, if there is such a CPU; else to the first that is free.
local function send_first(task, now)
	local cpu = pick_idle(task)
	if cpu == opt.central_cpu then
		cpu = pick_idle(task) or cpu -- which is given out once
	end
	if cpu then
		return send(task, cpu, IF_IDLE)
	end
	if nr_overdue > 0 and send_overdue(task, overdue[nr_overdue], now) then
		nr_overdue = nr_overdue - 1
		return true
	end
	return send(task, CPU_ANY, 0)
end

local function enqueue(tasks, n)
	look_around(scx.now())
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
		local is_pinned = task and task.nr_cpus_allowed == 1 and cpus[task.cpu].online == 1
		local send_it = is_pinned and send_pinned or send_first
		if not task or not send_it(task, now) then
			break
		end
		queue:pop()
	end
	nr_overdue = 0
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
	tick_ms = 5,
	tick = look_around,
	enqueue = enqueue,
	dispatch = dispatch_some,
}
