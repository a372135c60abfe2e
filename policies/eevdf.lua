-- SPDX-License-Identifier: GPL-2.0-only
--
-- eevdf.lua - earliest eligible virtual deadline first, as Linux has had it since 6.6 (2023).
--
-- Virtual time V is the average of the virtual runtimes of those that wait, by weight; a task's
-- lag is V less its own: what it is owed. Only a task that is owed something, or is even, is
-- eligible; of these the one with the earliest deadline runs: its virtual runtime plus a slice,
-- times 100 / weight (I. Stoica and H. Abdel-Wahab, Old Dominion University TR-95-22, 1995). Tasks
-- wait in a heap by virtual runtime until they are eligible, then in one by deadline. A task that
-- sleeps keeps its lag, two slices at most, and one that had a CPU for itself is as little ahead.
-- Units: nanoseconds of a weight-100 task. data[0]: virtual runtime, data[1]: CPU time charged,
-- data[2]: lag when last chosen, data[3]: deadline, payload: weight while it waits.
-- A bad choice for few tasks on many CPUs: V is an average of those that wait here.

local scx = require "scx"
local bit = require "bit"

local dispatch, opt, band = scx.dispatch, scx.opt, bit.band
local max, min = math.max, math.min
local CPU_ANY, JOINS = scx.CPU_ANY, scx.WAKEUP + scx.NEW
local TICK_NS = 1e7 -- a slice ends at a tick of the kernel, this much later at most
local waiting, ready = scx.heap(), scx.heap() -- not yet eligible by data[0], eligible by data[3]
local V = scx.now()
local base, load, sum = V, 0, 0 -- of those that wait: weights, and weights * (data[0] - base)
local nr_counted = 0            -- tasks in load and sum

local function count(task, sign)
	local weight = sign > 0 and task.weight or task.payload
	load, nr_counted = load + sign * weight, nr_counted + sign
	sum = sum + sign * weight * (task.data[0] - base)
	task.payload = sign > 0 and weight or 0
	if nr_counted == 0 then
		base, load, sum = V, 0, 0
	end
end

-- Tasks that the runtime took out of a heap: they ended, or are offered again.
local function forget_if_lost(task)
	if nr_counted > waiting:len() + ready:len() and task.payload > 0 then
		count(task, -1)
	end
end

-- Sets a task's virtual runtime and deadline after what it has used.
local function place(task, slice_ns)
	local data, scale = task.data, 100 / task.weight
	local request, used = slice_ns * scale, (task.sum_exec_ns - data[1]) * scale
	local ahead = min(2 * max(request, TICK_NS * scale), 100 * slice_ns)
	local joins = band(task.flags, JOINS) ~= 0
	local v, deadline = data[0], data[3]
	if v == 0 then
		v, used = V, 0
	elseif joins then
		v = V - data[2]
	end
	v = v + max(used, 0)
	if v < V - 2 * request then -- two slices of lag
		v = V - 2 * request
	elseif v > V + ahead or v ~= v then
		v = V + ahead
	end
	if joins or deadline <= v or deadline > v + request or deadline ~= deadline then
		deadline = v + request
	end
	data[0], data[1], data[3] = v, task.sum_exec_ns, deadline
end

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		forget_if_lost(task)
		place(task, slice_ns)
		if waiting:push(task, task.data[0]) then
			count(task, 1)
		else
			dispatch(task, CPU_ANY, slice_ns, task.data[3])
		end
	end
end

-- The next task, left in its heap. V never goes back: who is eligible stays so. If rounding leaves
-- nobody eligible, then the nearest.
local function choose()
	if load > 0 then
		V = max(V, base + sum / load)
	end
	while waiting:len() > 0 and (waiting:key() <= V or ready:len() == 0) do
		local task = waiting:pop()
		ready:push(task, task.data[3])
	end
	local task = ready:peek()
	return task
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = choose()
		if task == nil or not dispatch(task, CPU_ANY, slice_ns, task.data[3]) then
			break
		end
		ready:pop()
		task.data[2] = V - task.data[0]
		count(task, -1)
	end
	return waiting:len() + ready:len()
end

return {
	name = "eevdf",
	options = { slice_us = { 3000, "time slice, microseconds", 100, 100000 } },
	enqueue = enqueue,
	dispatch = dispatch_some,
	exit_task = forget_if_lost,
	export = function() return { V = V } end,
	import = function(state)
		local v = tonumber(state.V) or 0
		if v > 0 and v < 2 ^ 62 then
			V, base = v, v
		end
	end,
}
