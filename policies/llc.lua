-- SPDX-License-Identifier: GPL-2.0-only
--
-- llc.lua - every task stays near its cache: first come, first served for each last-level cache.
--
-- A task waits for a CPU of the last-level cache (LLC) that it ran on, where some of its data may
-- still be. To an idle CPU of another one it goes only if its own has none and nobody there wants
-- that CPU; that LLC is its home then. One task per CPU is decided ahead and stays where it is. The
-- idea is the kernel's select_idle_sibling(), and scx_rusty's domains without its load balancer.
-- Units: nanoseconds. data[0] is the number of the home LLC + 1. Nice has no effect.
-- While all CPUs are busy nothing moves, so one LLC may stay fuller than another: a bad choice for
-- long overload. With one LLC no better than fifo.lua.

local scx = require "scx"
local bit = require "bit"

local dispatch, pick_idle, allowed = scx.dispatch, scx.pick_idle, scx.allowed
local opt, cpus, NR_CPUS = scx.opt, scx.cpus, scx.nr_cpus
local CPU_ANY, IF_IDLE = scx.CPU_ANY, scx.IF_IDLE
local HAS_RUN = scx.EXPIRED + scx.PREEMPTED

local queue, online = {}, {}      -- by LLC: who waits for it; the CPUs it has, in turn
local waiting = scx.ring(NR_CPUS) -- the LLCs whose queue is not empty, in turn
local nr_llcs

local function cpu_online(cpu)
	online[cpus[cpu].llc]:add(cpu)
end

local function cpu_offline(cpu)
	online[cpus[cpu].llc]:remove(cpu)
end

local function init(host)
	nr_llcs = host.nr_llcs
	for llc = 0, nr_llcs - 1 do
		queue[llc], online[llc] = scx.fifo(), scx.ring(NR_CPUS)
	end
	for cpu = 0, NR_CPUS - 1 do
		if cpus[cpu].online == 1 then
			cpu_online(cpu)
		end
	end
end

-- Where it has just run; else where it was sent, since the kernel wakes it wherever a CPU is idle.
local function home_of(task)
	local home = task.data[0] - 1
	if bit.band(task.flags, HAS_RUN) ~= 0 or not (home >= 0 and home < nr_llcs) then
		home = cpus[task.cpu].llc
	end
	return math.floor(home) -- data[] may hold anything
end

local function send(task, cpu, flags)
	if cpu ~= CPU_ANY then
		task.data[0] = cpus[cpu].llc + 1
	end
	return dispatch(task, cpu, opt.slice_us * 1000, nil, flags)
end

local function enqueue(tasks, n)
	for i = 0, n - 1 do
		local task = tasks[i]
		local home = home_of(task)
		waiting:add(home)
		if not queue[home]:push(task) then
			send(task, CPU_ANY, 0)
		end
	end
end

-- Ways to decide a task; false if it cannot be done.
local function to_idle_at_home(task, home)
	local cpu = pick_idle(task, home)
	return cpu and send(task, cpu, IF_IDLE)
end

local function to_idle_elsewhere(task)
	local cpu = pick_idle(task)
	return cpu and send(task, cpu, IF_IDLE)
end

-- Those before it may have been the only ones that no idle CPU was for. And who may not use the CPU
-- whose turn it is goes to its own: the shared queue is looked at where a CPU's own is empty.
local function to_home(task, home)
	local cpu = pick_idle(task, home) or pick_idle(task)
	if cpu then
		return send(task, cpu, IF_IDLE)
	end
	cpu = online[home]:next()
	if not cpu or not allowed(task, cpu) then
		cpu = cpus[task.cpu].online == 1 and allowed(task, task.cpu) and task.cpu or CPU_ANY
	end
	return send(task, cpu, 0)
end

-- Decides the first of each LLC in turn, as long as `decide` can and there is room. What is left.
local function hand_out(room, decide)
	local failed = 0
	while room > 0 and failed < waiting:len() do
		local home = waiting:next()
		local task = queue[home]:peek()
		if not task then
			waiting:remove(home)
		elseif decide(task, home) then
			queue[home]:pop()
			room, failed = room - 1, 0
		else
			failed = failed + 1
		end
	end
	return room
end

local function dispatch_some(room)
	room = hand_out(room, to_idle_at_home)
	room = hand_out(room, to_idle_elsewhere)
	-- One waits for each CPU that runs a task; what is not decided can still go anywhere.
	hand_out(room - scx.nr_running(), to_home)
	return scx.nr_held()
end

return {
	name = "llc",
	options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } },
	builtin_idle = false, -- it would not keep to the home
	init = init,
	enqueue = enqueue,
	dispatch = dispatch_some,
	cpu_online = cpu_online,
	cpu_offline = cpu_offline,
}
