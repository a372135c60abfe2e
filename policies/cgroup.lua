-- SPDX-License-Identifier: GPL-2.0-only
--
-- cgroup.lua - the CPUs are shared between cgroups by cpu.weight, then inside each by nice.
--
-- Each cgroup has a virtual time, which advances with the CPU time of its tasks times 100 /
-- cgroup_weight. The cgroup with the least is served, and of its tasks the one with the least
-- virtual time (CFS's group scheduling does so with a run queue for each, Linux 2.6.24, 2008). A
-- decision is charged at once with the time that the task ran last (a new one: what those of its
-- cgroup do on average), and put right later: else one cgroup would win a whole batch. The tasks of
-- a cgroup take turns whatever their nice values while the kernel has room for all. A cgroup keeps
-- its slot until none of its tasks waits and it owes nothing; those that find no slot share one.
-- Units: nanoseconds of weight 100. data[0], data[1]: of the cgroup's scx.vclock(), data[2]: slot,
-- data[3]: charged at the decision. A bad choice for nested cgroups: each is weighed against all.

local scx = require "scx"

local dispatch, ewma, opt, min, max = scx.dispatch, scx.ewma, scx.opt, math.min, math.max
local CPU_ANY, OTHERS, NR_SLOTS, SLOT_TASKS = scx.CPU_ANY, 1, 128, 4096
local MOST_NS = 1e8 -- no slice is longer; what was used beyond it, nobody else wanted
-- By slot: cgroup id, virtual time, clock of the tasks, tasks that wait, how long they run.
local id, vtime, clock, queue, mean_ns = {}, {}, {}, {}, {}
local top, vnow = OTHERS, scx.now() -- last slot in use, virtual time of the cgroup that ran last
for slot = 1, NR_SLOTS do
	id[slot], vtime[slot], clock[slot], queue[slot] = -1, vnow, scx.vclock(), scx.heap(SLOT_TASKS)
	mean_ns[slot] = 0 -- none has run yet
end

local function find_slot(cgroup_id)
	local free = OTHERS
	for slot = top, OTHERS + 1, -1 do
		if id[slot] == cgroup_id then
			return slot
		elseif vtime[slot] <= vnow and queue[slot]:len() == 0 then
			free = slot
		end
	end
	if free == OTHERS and top < NR_SLOTS then
		top, free = top + 1, top + 1
	end
	if free ~= OTHERS then
		id[free], vtime[free] = cgroup_id, vnow
	end
	return free
end

-- The clock of the cgroups is where the task's one was when it got the CPU.
local function has_run(task)
	if task.vtime > vnow and task.vtime <= vnow + 100 * opt.slice_us * 1000 then
		vnow = task.vtime
	end
end

-- Charges a cgroup for what its task used, less what was charged when the task was decided.
local function charge_group(task, slot, slice_ns)
	local data = task.data
	local owed = data[0] ~= 0 and task.sum_exec_ns - data[1] or 0
	if owed > 0 and owed <= MOST_NS and data[2] == slot then
		mean_ns[slot] = mean_ns[slot] > 0 and ewma(mean_ns[slot], owed, 8) or owed
		has_run(task)
	end
	owed = owed - (data[2] == slot and data[3] or 0)
	owed = owed == owed and max(-MOST_NS, min(owed, MOST_NS)) or 0 -- NaN: of another policy
	data[2], data[3] = slot, 0
	owed = owed * 100 / task.cgroup_weight
	vtime[slot] = max(vnow - slice_ns, min(vtime[slot] + owed, vnow + 100 * slice_ns))
end

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		local slot = task.data[2]
		if id[slot] ~= task.cgroup_id then
			slot = find_slot(task.cgroup_id)
		end
		charge_group(task, slot, slice_ns)
		if not queue[slot]:push(task, clock[slot]:charge(task, task.weight, slice_ns)) then
			dispatch(task, CPU_ANY, slice_ns, vtime[slot])
		end
	end
end

-- The slot with tasks that has the least virtual time, or nil; and how many tasks there are.
local function next_group()
	local best, held = nil, 0
	for slot = 1, top do
		local len = queue[slot]:len()
		held = held + len
		if len > 0 and (not best or vtime[slot] < vtime[best]) then
			best = slot
		end
	end
	return best, held
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	local slot, held = next_group()
	while slot and room > 0 do
		local task, v = queue[slot]:peek(), vtime[slot]
		if not dispatch(task, CPU_ANY, slice_ns, v) then
			break
		end
		queue[slot]:pop()
		room = room - 1
		local ran = task.stop_ns - task.start_ns
		ran = ran > 0 and ran or mean_ns[slot]
		ran = ran > 0 and min(ran, slice_ns) or slice_ns
		vtime[slot], task.data[3] = v + ran * 100 / task.cgroup_weight, ran
		slot, held = next_group()
	end
	return held
end

return {
	name = "cgroup",
	options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } },
	enqueue = enqueue,
	dispatch = dispatch_some,
	exit_task = has_run,
	export = function()
		local slots = {}
		for slot = 1, top do
			slots[slot] = { id = id[slot], vtime = vtime[slot], now = clock[slot].now }
		end
		return { vnow = vnow, cgroup_slots = slots }
	end,
	import = function(state)
		for slot, s in ipairs(state.cgroup_slots or {}) do
			id[slot], vtime[slot], top, vnow = s.id, s.vtime, slot, state.vnow
			clock[slot]:resume(s.now)
		end
	end,
}
