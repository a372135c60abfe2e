-- SPDX-License-Identifier: GPL-2.0-only
--
-- rustland.lua - the rules of scx_rustland: tasks that sleep often go before those that never do.
--
-- deadline = vruntime + min(CPU time since it last slept, 100 slices); the earliest is next. When
-- a task is enqueued its vruntime advances by its last run times 100 / weight, and so does the
-- current vruntime, which all tasks share. A new task starts there; one that slept is a slice
-- behind it at most. What it runs for is slice_min, times weight / 100 (A. Righi, scx_rustland,
-- 2023; the rules of 2026). There the kernel keeps one number for each task, the vtime of its last
-- decision, so the vruntime that it starts from next time is that deadline. carry_deadline=false
-- keeps the vruntime itself instead, as its documentation says.
-- Units: whole nanoseconds of a weight-100 task. data[0] is what a task starts from, data[1] a mark
-- that says so, data[2] its vruntime. A bad choice for CPU hogs that start at different times:
-- each turn of the older ones costs up to 100 slices, and the later ones go first until they have
-- paid as much.

local scx = require "scx"

local dispatch, pick_idle, opt, floor = scx.dispatch, scx.pick_idle, scx.opt, math.floor
local CPU_ANY, IF_IDLE = scx.CPU_ANY, scx.IF_IDLE
local MARK = 0x52757374 -- in data[1]: what is in data[0] was left by this policy
local NEVER = 2 ^ 62    -- no vruntime is as late: the task counts as new
local SHORTEST_NS, LONGEST_NS = 5e4, 1e8 -- the runtime counts other slices as mistakes

local queue = scx.heap()
local vruntime_now = scx.now()

local function deadline(task, slice_ns)
	local data = task.data
	local v = data[0]
	if not (data[1] == MARK and v < NEVER) then
		v = vruntime_now
	elseif v < vruntime_now - slice_ns then
		v = vruntime_now - slice_ns
	end
	local ran = task.stop_ns - task.start_ns
	if ran > 0 then
		local vslice = floor(ran * 100 / task.weight)
		v = v + vslice
		vruntime_now = vruntime_now + vslice
	end
	data[2] = v
	local exec, most = task.exec_ns, 100 * slice_ns
	return v + (exec < most and exec or most)
end

local function run_ns(task)
	local ns = floor(opt.slice_min_us * 1000 * task.weight / 100)
	return ns < SHORTEST_NS and SHORTEST_NS or ns > LONGEST_NS and LONGEST_NS or ns
end

local function decide(task, key)
	local cpu = pick_idle(task)
	if not dispatch(task, cpu or CPU_ANY, run_ns(task), key, cpu and IF_IDLE or 0) then
		return false
	end
	task.data[0], task.data[1] = opt.carry_deadline and key or task.data[2], MARK
	return true
end

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		local key = deadline(task, slice_ns)
		if not queue:push(task, key) then
			decide(task, key)
		end
	end
end

local function dispatch_some(room)
	for _ = 1, room do
		local task = queue:peek()
		if task == nil or not decide(task, queue:key()) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "rustland",
	options = {
		slice_us = { 20000, "credit of a sleeper, and 1/100 of the longest penalty, us", 100, 100000 },
		carry_deadline = { true, "a task's next vruntime starts from its last deadline" },
		slice_min_us = { 1000, "time slice of weight 100, microseconds", 100, 100000 },
	},
	enqueue = enqueue,
	dispatch = dispatch_some,
	export = function()
		return { vruntime_now = vruntime_now }
	end,
	import = function(state)
		local v = tonumber(state.vruntime_now) or 0
		if v > 0 and v < NEVER then
			vruntime_now = v
		end
	end,
}
