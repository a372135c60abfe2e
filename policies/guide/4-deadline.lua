-- SPDX-License-Identifier: GPL-2.0-only
--
-- 4-deadline.lua - fair shares, and short jobs first: step 4 of policies/GUIDE.md.
--
-- The order is virtual time plus the CPU time used since the task last slept: a task that runs
-- briefly between two sleeps, as interactive ones do, comes before one that is fair but busy. The
-- idea is that of scx_rustland. data[0] and data[1] as in step 3. Units: nanoseconds.

local scx = require "scx"

local dispatch, opt, CPU_ANY = scx.dispatch, scx.opt, scx.CPU_ANY
local max, min = math.max, math.min

local queue = scx.heap()
local vnow = 1

local function charge(task, slice_ns)
	local data = task.data
	local used = task.sum_exec_ns - data[1]
	local v = data[0]
	data[1] = task.sum_exec_ns
	if v == 0 then
		v = vnow
	elseif used > 0 then
		vnow = max(vnow, v) -- it has run, from there on
		v = v + used * 100 / task.weight
	end
	v = max(v, vnow - slice_ns)
	data[0] = v
	return v
end

-- Virtual time, and at most 100 slices for what it did since it slept.
local function deadline(task, slice_ns)
	return charge(task, slice_ns) + min(task.exec_ns, 100 * slice_ns)
end

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local d = deadline(tasks[i], slice_ns)
		if not queue:push(tasks[i], d) then
			dispatch(tasks[i], CPU_ANY, slice_ns, d)
		end
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:peek()
		if not task or not dispatch(task, CPU_ANY, slice_ns, queue:key()) then
			break
		end
		queue:pop()
	end
	return queue:len()
end

return {
	name = "guide-deadline",
	options = { slice_us = { 5000, "time slice, microseconds", 100, 100000 } },
	enqueue = enqueue,
	dispatch = dispatch_some,
	stats = function(t)
		t.waiting = queue:len()
		if t.waiting > 0 then
			t.next_ms = (queue:key() - vnow) / 1e6 -- how far ahead the next deadline is
		end
	end,
	export = function()
		return { vnow = vnow }
	end,
	import = function(state)
		vnow = tonumber(state.vnow) or vnow
	end,
}
