-- SPDX-License-Identifier: GPL-2.0-only
--
-- edf.lua - earliest deadline first: every wakeup is a job that must be done within a period.
--
-- The deadline of a job is its wakeup plus the period of its thread; the earliest goes first and
-- interrupts the CPU with the latest. Optimal on one CPU up to full load, if the periods are true
-- (Liu and Layland, 1973). Periods are an option, microseconds by thread name or cgroup id:
--     -o periods=audio=5000,video=16667,cgroup:1234=10000
-- A name is the first 15 bytes of what `ps -eLo comm` shows; it is looked up at each enqueue, so
-- a thread that renames itself has the new name's period. All other threads have default_us and
-- no jobs: each slice they wait for is due that long after they began to wait. A job that is late
-- gets a new deadline, one period on, so that an endless one takes turns with the rest (as the
-- budgets of Abeni and Buttazzo's constant bandwidth server, 1998, but by deadline).
-- No admission control: if the jobs need more than the CPUs have, whose are late is arbitrary.
-- The others count too, with one slice per thread and default_us. A bad choice without periods:
-- then it is a FIFO. data[0] is the deadline, data[1] the number of sleeps at the job's start.

local scx = require "scx"
local band = require("bit").band

local dispatch, pick_idle, opt = scx.dispatch, scx.pick_idle, scx.opt
local CPU_ANY, PREEMPT, IF_IDLE = scx.CPU_ANY, scx.PREEMPT, scx.IF_IDLE
local WAKEUP = scx.WAKEUP

local names, cgroups = scx.names(), {} -- period, nanoseconds
local running = scx.running() -- by deadline
local queue = scx.heap()      -- only of those that found the ring to the kernel full

-- One NAME=US or cgroup:ID=US of the option.
local function add_period(text)
	local name, us = text:match("^%s*(.-)%s*=%s*(%d+)%s*$")
	local ns = us and us * 1000
	if not ns or name == "" or ns < 1e5 or ns > 1e10 then
		error(("periods: expected NAME=US or cgroup:ID=US, US 100..10000000, got %q"):format(text), 0)
	end
	local id = name:match("^cgroup:(%d+)$")
	if id then
		cgroups[tonumber(id)] = ns
	else
		names:add(name, ns)
	end
end

local function init()
	for text in opt.periods:gmatch("[^,]+") do
		add_period(text)
	end
end

local function deadline_of(task, default_ns)
	local data, now = task.data, task.enqueue_ns
	local own_ns = names:get(task) or cgroups[task.cgroup_id]
	local period_ns = own_ns or default_ns
	if not own_ns then
		data[0] = now + default_ns
	elseif task.nvcsw ~= data[1] then
		-- A new job. One that found an idle CPU, and was not seen here, began when it got it.
		data[0] = (band(task.flags, WAKEUP) ~= 0 and now or task.start_ns) + own_ns
		data[1] = task.nvcsw
	end
	-- Also a new thread, and whatever another policy has left there.
	if not (data[0] > now and data[0] <= now + period_ns) then
		data[0] = now + period_ns
	end
	return data[0]
end

-- Where the task should run, and the flag that goes with it.
local function place(task, deadline)
	local cpu = pick_idle(task)
	if cpu then
		return cpu, IF_IDLE
	end
	cpu = band(task.flags, WAKEUP) ~= 0 and running:victim(task, deadline)
	return cpu or CPU_ANY, cpu and PREEMPT or 0
end

local function enqueue(tasks, n)
	local slice_ns, default_ns = opt.slice_us * 1000, opt.default_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		local deadline = deadline_of(task, default_ns)
		local cpu, flags = place(task, deadline)
		if not dispatch(task, cpu, slice_ns, deadline, flags) then
			queue:push(task, deadline)
		end
		running:set(task, deadline)
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
	name = "edf",
	-- A wakeup that takes an idle CPU by itself is not seen here: its deadline is not known when
	-- the next one asks whom to interrupt, and its slice is --slice-us.
	builtin_idle = false,
	options = {
		periods = { "", "NAME=US,cgroup:ID=US,...: the period of threads, microseconds; read at load" },
		default_us = { 200000, "when the slice of any other thread is due, microseconds", 1000, 1e6 },
		slice_us = { 3000, "time slice, microseconds", 100, 100000 },
	},
	init = init,
	enqueue = enqueue,
	dispatch = dispatch_some,
}
