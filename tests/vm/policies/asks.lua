-- SPDX-License-Identifier: GPL-2.0-only
-- Uses what a policy can ask: an idle CPU, affinity, kicks, numbers. stats() says how often the
-- answers contradicted each other.

local scx = require "scx"

local nr = { allowed = 0, wrong = 0, picked = 0, weights = 0, held = 0, queued = 0, running = 0 }

local function enqueue(tasks, n)
	nr.held = math.max(nr.held, scx.nr_held())
	nr.queued = math.max(nr.queued, scx.nr_queued())
	nr.running = math.max(nr.running, scx.nr_running())
	for i = 0, n - 1 do
		local task = tasks[i]
		local cpu = scx.pick_idle(task)
		local may = 0
		for c = 0, scx.nr_cpus - 1 do
			may = may + (scx.allowed(task, c) and 1 or 0)
		end
		nr.allowed = nr.allowed + 1
		if may ~= task.nr_cpus_allowed or not scx.allowed(task, task.cpu) then
			nr.wrong = nr.wrong + 1
		end
		nr.weights = nr.weights + (task.cgroup_weight == 100 and 0 or 1)
		if cpu then
			nr.picked = nr.picked + 1
			scx.dispatch(task, cpu, 0, nil, scx.IF_IDLE)
		else
			scx.dispatch(task)
			scx.kick(task.cpu, task.pid % 8 == 0 and scx.PREEMPT or 0)
		end
	end
end

return {
	name = "asks",
	builtin_idle = false,
	init = function(host)
		scx.log("topology: %d cores %d llcs %d nodes, capacity %d", host.nr_cores, host.nr_llcs,
			host.nr_nodes, host.cpus[0].capacity)
	end,
	enqueue = enqueue,
	tick_ms = 1000,
	tick = function()
		scx.slice_us = scx.slice_us == 3000 and 4000 or 3000
	end,
	stats = function(t)
		for key, value in pairs(nr) do
			t[key] = value
		end
	end,
}
