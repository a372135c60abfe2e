-- expect: 1 stale_affinity.lua:17: dispatch(): named a CPU that the task may not use
-- SPDX-License-Identifier: GPL-2.0-only
-- Chooses the CPU when the task is enqueued and does not ask again when it is dispatched.
local scx = require "scx"
local queue = scx.fifo()
local function enqueue(tasks, n)
	for i = 0, n - 1 do
		tasks[i].data[0] = scx.pick_idle(tasks[i]) or scx.CPU_ANY
		queue:push(tasks[i])
	end
end
local function dispatch(room)
	for _ = 1, math.min(room, queue:len()) do
		local task = queue:pop()
		local cpu = task.data[0]
		local online = cpu < 0 or scx.cpus[cpu].online == 1
		scx.dispatch(task, online and cpu or scx.CPU_ANY)
	end
	return queue:len()
end
return { enqueue = enqueue, dispatch = dispatch }
