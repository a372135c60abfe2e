-- SPDX-License-Identifier: GPL-2.0-only
-- Calls every method of scx.percpu() and scx.ring(), for tests/cli/check.t: a queue per CPU, CPUs
-- in turn, tasks from the longest queue for a CPU whose own is empty. Queues of both kinds.

local scx = require "scx"

local last = scx.nr_cpus - 1
local fifos, heaps = scx.percpu("fifo", 64), scx.percpu "heap"
local turn = scx.ring(scx.nr_cpus)
for cpu = 0, last do
	turn:add(cpu)
end

local function enqueue(tasks, n)
	for i = 0, n - 1 do
		local task = tasks[i]
		if not (fifos:push(task.cpu, task) or heaps:push(task.cpu, task, task.exec_ns)) then
			scx.dispatch(task)
		end
	end
end

local function dispatch(room)
	if turn:len() > 1 and turn:remove(turn:peek() or 0) then
		for cpu = 0, last do
			if not turn:has(cpu) then
				turn:add(cpu)
			end
		end
	end
	for _ = 1, room do
		local cpu = turn:next()
		local set = fifos:len(cpu) > 0 and fifos or heaps:len(cpu) > 0 and heaps
			or fifos:longest() and fifos or heaps
		local from = set:len(cpu) > 0 and cpu or set:longest()
		if not from then
			break
		end
		if set:peek(from).nr_cpus_allowed == 1 then
			local pinned = set:peek(from)
			set:remove(pinned)
			scx.dispatch(pinned)
		else
			scx.dispatch(set:pop(from), scx.CPU_ANY)
		end
	end
	return fifos:total() + heaps:total()
end

return { name = "steal", enqueue = enqueue, dispatch = dispatch }
