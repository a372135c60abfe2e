-- SPDX-License-Identifier: GPL-2.0-only
--
-- chaos.lua - random delays, slices and CPUs, to shake bugs out of other programs.
--
-- Races that need an unlucky schedule are rare under a good scheduler. This one is unlucky on
-- purpose: a task that becomes runnable waits for a random time, gets a random slice, and often a
-- random CPU, now and then by interrupting what runs there. The idea is that of scx_chaos and of
-- rr's chaos mode. The numbers are drawn in the order in which tasks arrive: the same seed and the
-- same arrivals give the same decisions, but what arrives while the script is warmed up differs.
-- Units: options in microseconds and percent, else nanoseconds. data[0..2] are the slice, the CPU
-- and the flags that were drawn. The longest delay and a tick are together less than --hold-ms
-- (20), or the kernel would not wait for the decision. A bad choice for anything but tests.

local scx = require "scx"

local dispatch, allowed, opt, cpus = scx.dispatch, scx.allowed, scx.opt, scx.cpus
local CPU_ANY, PREEMPT, NR_CPUS = scx.CPU_ANY, scx.PREEMPT, scx.nr_cpus
local MIN_SLICE_NS = 100e3

local queue = scx.heap() -- by the time at which the delay ends
local rng                -- from init() on, when the seed is known

local function init()
	rng = scx.random(opt.seed)
end

-- Draws what becomes of a task, in five numbers whatever they are, and gives the delay.
local function draw(task)
	local data = task.data
	local delay_ns = rng:uniform() * opt.delay_us * 1000
	data[0] = MIN_SLICE_NS + rng:uniform() * (opt.slice_us * 1000 - MIN_SLICE_NS)
	local cpu = rng:below(NR_CPUS)
	data[1] = rng:uniform() * 100 < opt.misplace and cpu or CPU_ANY
	data[2] = rng:uniform() * 100 < opt.preempt and PREEMPT or 0
	return delay_ns
end

local function send(task)
	local data = task.data
	local cpu = data[1]
	if cpu ~= CPU_ANY and (cpus[cpu].online == 0 or not allowed(task, cpu)) then
		cpu = CPU_ANY
	end
	return dispatch(task, cpu, data[0], nil, cpu == CPU_ANY and 0 or data[2])
end

local function enqueue(tasks, n)
	local now = scx.now()
	for i = 0, n - 1 do
		local task = tasks[i]
		if not queue:push(task, now + draw(task)) then
			send(task)
		end
	end
end

local function dispatch_some(room)
	local now = scx.now()
	for _ = 1, room do
		local task = queue:peek()
		if not task or queue:key() > now or not send(task) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "chaos",
	options = {
		seed = { 1, "where the random numbers start; read at load", 0, 2 ^ 31 },
		delay_us = { 2000, "longest delay, microseconds", 0, 10000 },
		slice_us = { 5000, "longest time slice, microseconds", 100, 100000 },
		misplace = { 50, "percent of tasks that get a random CPU", 0, 100 },
		preempt = { 5, "percent of those that interrupt what runs there", 0, 100 },
	},
	builtin_idle = false, -- it would spare wakeups the delay
	init = init,
	enqueue = enqueue,
	dispatch = dispatch_some,
	tick_ms = 4,
	tick = function() end, -- dispatch() comes after it, so that a delay ends though nothing happens
}
