-- SPDX-License-Identifier: GPL-2.0-only
--
-- machine.lua - simulated CPUs for mock.lua: they run what the policy decided, and time goes on.
--
--   local a = m:spawn { name = "a", weight = 200 }         a CPU hog, or with
--     run_ns, sleep_ns          runs that long, sleeps that long, over and over
--     run_ns alone              runs that long and ends
--     delay_ns                  starts later
--   m:run(10e9)                 ten seconds pass
--   m:shares { a, b }           fractions of the CPU time they have had since m:mark()
--   m.sim[a].max_wait_ns        longest time from runnable to running
--   m.bad_held                  times dispatch() returned another number than is held
--   m.bounced, m.idle_missed    as the runtime's counters
--   m.slice_ends[cpu]           times a task there used up its slice or was interrupted
--   m:hotplug(cpu, online)      a CPU goes, with what it runs and what waits for it, or comes
--
-- What the kernel half does, without its delays: a CPU takes the next task of its own queue, then
-- of the shared one; a task whose slice is over goes back to the policy after its CPU has taken
-- the next, and keeps the CPU, with the runtime's slice, if nobody waits; dispatch() is asked for
-- two tasks per CPU less those that wait; a wakeup that finds an idle CPU and empty queues takes it
-- (builtin_idle).

local M = {}

local MAX_SLICE_NS = 100e6
local PREEMPT, IF_IDLE = 1, 2
local WAKEUP, NEW, PREEMPTED, EXPIRED = 1, 2, 4, 8

function M.new(m)
	m.threads, m.sim = {}, {}
	m.shared, m.own, m.running = {}, {}, {}
	m.bad_held, m.bounced, m.idle_missed, m.kicks_seen = 0, 0, 0, 0
	m.slice_ends, m.displaced = {}, {}
	for cpu = 0, m.nr_cpus - 1 do
		m.own[cpu], m.slice_ends[cpu] = {}, 0
	end
end

--- Makes a task that lives on the machine; see the top of this file.
function M.spawn(m, spec)
	local fields = {}
	for key, value in pairs(spec) do
		fields[key] = value
	end
	fields.run_ns, fields.sleep_ns, fields.delay_ns = nil, nil, nil
	local task = m:task(fields)
	m.threads[#m.threads + 1] = task
	m.sim[task] = {
		run_ns = spec.run_ns or math.huge, sleep_ns = spec.sleep_ns, left = 0, base = 0,
		wake_at = m.now + (spec.delay_ns or 0), max_wait_ns = 0, wait_ns = 0, nr_runs = 0,
		is_new = true,
	}
	return task
end

function M.nr_queued(m)
	local n = #m.shared + #m.outbox
	for cpu = 0, m.nr_cpus - 1 do
		n = n + #m.own[cpu]
	end
	return n
end

function M.nr_running(m)
	local n = 0
	for cpu = 0, m.nr_cpus - 1 do
		n = n + (m.cpus[cpu].task_pid ~= 0 and 1 or 0)
	end
	return n
end

-- Charges what the task on `cpu` has used until now.
local function account(m, cpu)
	local run = m.running[cpu]
	local used = m.now - run.since
	local task, sim = run.task, m.sim[run.task]
	run.since = m.now
	task.exec_ns = task.exec_ns + used
	task.sum_exec_ns = task.sum_exec_ns + used
	sim.left = sim.left - used
	return task, sim
end

local function start(m, cpu, task, slice_ns)
	local sim, c = m.sim[task], m.cpus[cpu]
	local wait_ns = m.now - task.enqueue_ns
	sim.max_wait_ns = math.max(sim.max_wait_ns, wait_ns)
	sim.wait_ns, sim.nr_runs = sim.wait_ns + wait_ns, sim.nr_runs + 1
	task.cpu, task.start_ns = cpu, m.now
	c.idle, c.task_pid, c.since_ns, c.slice_ns = 0, task.pid, m.now, slice_ns
	m.given[cpu] = nil
	m.running[cpu] = { task = task, since = m.now, slice_ns = slice_ns,
		till = m.now + math.min(slice_ns, sim.left) }
end

local function stop(m, cpu)
	m.running[cpu].task.stop_ns = m.now
	m.cpus[cpu].idle, m.cpus[cpu].task_pid = 1, 0
	m.running[cpu] = nil
end

local function insert(list, d)
	local at = #list
	while at > 0 and list[at].vtime > d.vtime do
		at = at - 1
	end
	table.insert(list, at + 1, d)
end

-- The next decided task for `cpu`, taken out if `take`.
local function next_for(m, cpu, take)
	if m.own[cpu][1] then
		return take and table.remove(m.own[cpu], 1) or m.own[cpu][1]
	end
	for i, d in ipairs(m.shared) do
		if m.scx.allowed(d.task, cpu) then
			return take and table.remove(m.shared, i) or d
		end
	end
end

local function fill(m, cpu)
	local d = not m.running[cpu] and m.cpus[cpu].online == 1 and next_for(m, cpu, true)
	m.cpus[cpu].queued = #m.own[cpu]
	if d then
		local slice_ns = d.slice_ns == 0 and m.slice_us * 1000 or d.slice_ns
		start(m, cpu, d.task, math.max(math.min(slice_ns, MAX_SLICE_NS), 1))
	end
	return d
end

local function again(task, flags, batch)
	task.flags = flags
	batch[#batch + 1] = task
end

-- The burst of the task on `cpu` is over: it sleeps or ends.
local function block(m, cpu, task, sim)
	stop(m, cpu)
	task.nvcsw = task.nvcsw + 1
	if sim.sleep_ns then
		sim.wake_at = m.now + sim.sleep_ns
	else
		m:exit(task)
	end
	fill(m, cpu)
end

-- The time that the task on `cpu` was to run is over.
local function finish(m, cpu, batch)
	local task, sim = account(m, cpu)
	if sim.left <= 0 then
		block(m, cpu, task, sim)
		return
	end
	m.slice_ends[cpu] = m.slice_ends[cpu] + 1
	if not next_for(m, cpu) and m.nr_held == 0 and #batch == 0 then
		m.running[cpu].till = m.now + math.min(m.slice_us * 1000, sim.left)
	else
		stop(m, cpu)
		fill(m, cpu)
		again(task, EXPIRED, batch)
	end
end

local function preempt(m, cpu, batch)
	if not m.running[cpu] then
		return
	end
	local task, sim = account(m, cpu)
	if sim.left <= 0 then
		block(m, cpu, task, sim)
		return
	end
	m.slice_ends[cpu] = m.slice_ends[cpu] + 1
	stop(m, cpu)
	fill(m, cpu)
	again(task, PREEMPTED, batch)
end

-- The idle CPU that a wakeup takes without asking the policy, or nil.
local function direct_cpu(m, task)
	local builtin = m.builtin_idle
	if builtin == nil then
		builtin = m.policy.builtin_idle ~= false
	end
	if not builtin or #m.shared > 0 then
		return nil
	end
	for i = -1, m.nr_cpus - 1 do
		local cpu = i < 0 and task.cpu or i
		if m.cpus[cpu].online == 1 and not m.running[cpu] and #m.own[cpu] == 0
				and m.scx.allowed(task, cpu) then
			return cpu
		end
	end
end

local function wake(m, task, sim, batch)
	local flags = sim.is_new and NEW or WAKEUP
	sim.wake_at, sim.is_new = nil, false
	sim.left = sim.run_ns
	task.exec_ns, task.enqueue_ns = 0, m.now
	local cpu = direct_cpu(m, task)
	if cpu then
		start(m, cpu, task, m.slice_us * 1000)
	else
		again(task, flags, batch)
	end
end

-- The queue a decision goes to.
local function target(m, d)
	local cpu = d.cpu
	if cpu == -1 then
		return m.shared
	end
	if not m.scx.allowed(d.task, cpu) or m.cpus[cpu].online == 0 then
		m.bounced = m.bounced + 1
		local last = d.task.cpu
		return m.scx.allowed(d.task, last) and m.cpus[last].online == 1 and m.own[last] or m.shared
	end
	if bit.band(d.flags, IF_IDLE) ~= 0 and (m.running[cpu] or #m.own[cpu] > 0) then
		m.idle_missed = m.idle_missed + 1
		return m.shared
	end
	return m.own[cpu]
end

-- Applies decisions and kicks; interrupted tasks go to `batch`.
local function apply(m, batch)
	local outbox = m.outbox
	m.outbox = {}
	for _, d in ipairs(outbox) do
		local list = target(m, d)
		insert(list, d)
		if bit.band(d.flags, PREEMPT) ~= 0 and list == m.own[d.cpu] then
			preempt(m, d.cpu, batch)
		end
	end
	while m.kicks_seen < #m.kicks do
		m.kicks_seen = m.kicks_seen + 1
		local kick = m.kicks[m.kicks_seen]
		if bit.band(kick.flags, PREEMPT) ~= 0 and m.cpus[kick.cpu] then
			preempt(m, kick.cpu, batch)
		end
	end
end

local function room(m)
	return 2 * m.nr_cpus - M.nr_queued(m)
end

-- Asks the policy for decisions once; the number it gave.
local function ask(m, batch)
	local before = m.nr_held
	local free = room(m)
	if before == 0 or free <= 0 or not m.policy.dispatch then
		return 0
	end
	local held = m.policy.dispatch(free)
	if held ~= m.nr_held then
		m.bad_held = m.bad_held + 1
	end
	assert(before - m.nr_held <= free, "dispatch() gave more decisions than there was room for")
	apply(m, batch)
	return before - m.nr_held
end

-- The worker's cycles until there is nothing more to do now.
local function cycle(m, batch)
	for _ = 1, 1000 do
		local arrived = batch
		batch = {}
		if #arrived > 0 then
			m:enqueue(unpack(arrived))
			apply(m, batch)
		end
		local decided = ask(m, batch)
		local started = false
		for cpu = 0, m.nr_cpus - 1 do
			started = fill(m, cpu) and true or started
		end
		if #batch == 0 and decided == 0 and not started then
			return
		end
	end
	error("the policy interrupts tasks without end")
end

local function next_event(m, stop_ns)
	local at = math.min(stop_ns, m.tick_at or stop_ns)
	for cpu = 0, m.nr_cpus - 1 do
		local run = m.running[cpu]
		at = run and math.min(at, run.till) or at
	end
	for _, task in ipairs(m.threads) do
		at = math.min(at, m.sim[task].wake_at or at)
	end
	return math.max(at, m.now)
end

local function tick(m)
	if m.policy.tick and m.now >= (m.tick_at or m.now) then
		m.tick_at = m.now + m.policy.tick_ms * 1e6
		m.policy.tick(m.now)
	end
end

-- Everything that happens now.
local function step(m)
	local batch = m.displaced
	m.displaced = {}
	for cpu = 0, m.nr_cpus - 1 do
		if m.running[cpu] and m.running[cpu].till <= m.now then
			finish(m, cpu, batch)
		end
	end
	for _, task in ipairs(m.threads) do
		local sim = m.sim[task]
		if sim.wake_at and sim.wake_at <= m.now then
			wake(m, task, sim, batch)
		end
	end
	tick(m)
	apply(m, batch)
	cycle(m, batch)
end

--- A CPU goes offline or comes online; the policy is told. As with the kernel half, what it ran
-- is enqueued again, and what waits for it goes to the queue that every CPU takes from.
function M.hotplug(m, cpu, online)
	local c = m.cpus[cpu]
	c.online = online and 1 or 0
	if not online then
		if m.running[cpu] then
			local task = account(m, cpu)
			stop(m, cpu)
			again(task, PREEMPTED, m.displaced)
		end
		for _, d in ipairs(m.own[cpu]) do
			insert(m.shared, d)
		end
		m.own[cpu] = {}
	end
	c.idle = c.online
	local hook = online and m.policy.cpu_online or m.policy.cpu_offline
	if hook then
		hook(cpu)
	end
end

--- Lets time pass.
function M.run(m, ns)
	local stop_ns = m.now + ns
	step(m) -- a test may have changed things since
	while m.now < stop_ns do
		m.now = next_event(m, stop_ns)
		step(m)
	end
	for cpu = 0, m.nr_cpus - 1 do
		if m.running[cpu] then
			account(m, cpu)
		end
	end
end

--- Counts shares() from now on.
function M.mark(m)
	for task, sim in pairs(m.sim) do
		sim.base = task.sum_exec_ns
	end
end

--- The fractions of the CPU time that each of the tasks got, since mark() or the beginning.
function M.shares(m, tasks)
	local total, shares = 0, {}
	for i, task in ipairs(tasks) do
		shares[i] = task.sum_exec_ns - m.sim[task].base
		total = total + shares[i]
	end
	for i = 1, #tasks do
		shares[i] = shares[i] / total
	end
	return shares
end

local function take_out(list, is_it)
	for i = #list, 1, -1 do
		if is_it(list[i]) then
			table.remove(list, i)
		end
	end
end

--- Takes a task off the machine, wherever it is.
function M.remove(m, task)
	take_out(m.threads, function(t) return t == task end)
	local function decides(d) return d.task == task end
	take_out(m.shared, decides)
	take_out(m.outbox, decides)
	for cpu = 0, m.nr_cpus - 1 do
		take_out(m.own[cpu], decides)
		if m.running[cpu] and m.running[cpu].task == task then
			account(m, cpu)
			stop(m, cpu)
		end
	end
end

return M
