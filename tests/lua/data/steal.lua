-- SPDX-License-Identifier: GPL-2.0-only
-- What scx.percpu() and scx.ring() are for, for tests/cli/check.t: a queue per CPU, CPUs in turn,
-- tasks from the longest queue for a CPU whose own is empty.

local scx = require "scx"

local queues = scx.percpu("fifo", 64)
local turn = scx.ring(scx.nr_cpus)
for cpu = 0, scx.nr_cpus - 1 do
	turn:add(cpu)
end

local function enqueue(tasks, n)
	for i = 0, n - 1 do
		local task = tasks[i]
		if not queues:push(task.cpu, task) then
			scx.dispatch(task)
		end
	end
end

local function dispatch(room)
	for _ = 1, room do
		local cpu = turn:next()
		local from = queues:len(cpu) > 0 and cpu or queues:longest()
		if not from then
			break
		end
		scx.dispatch(queues:pop(from), scx.CPU_ANY)
	end
	return queues:total()
end

return { name = "steal", enqueue = enqueue, dispatch = dispatch }
