-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/percpu.lua - a queue of tasks for each CPU, of the C queues of scx/queue.lua.
--
--   set:push(cpu, task, key)   in the CPU's queue; key for heaps only
--   set:pop(cpu)               its first task, taken out; nil if it has none
--   set:peek(cpu)              its first task, left in; nil if it has none
--   set:len(cpu)               tasks in the CPU's queue
--   set:total()                tasks in all of them
--   set:longest()              the CPU with the most tasks; nil if nobody has any
--   set:remove(task)           out of whichever queue it is in
--
-- The queues are the policy's own, in user space: what it puts here is not decided, and a CPU that
-- goes offline keeps its tasks until the policy gives them to another one. A thread that ends is
-- taken out by the runtime, so nothing is counted here: total(), longest() and remove() look at
-- each queue (about 2 ns a CPU), the others at one.

local _, host = ...
local queue = require "scx.queue"

local format = string.format

local kinds = { fifo = queue.fifo, heap = queue.heap }

local set = {}
set.__index = set

-- No method ends in a tail call into a queue: see scx/queue.lua.

--- Puts a task into a CPU's queue.
-- @param cpu 0..scx.nr_cpus-1
-- @param task one that waits for a decision
-- @param key of a heap: lowest first, equal keys in order of arrival. Ignored by a FIFO
-- @return true; false if the queue is full, the task waits in another, or there is no such CPU:
--   decide it at once then
function set:push(cpu, task, key)
	local q = self.queue[cpu]
	if not q then
		return false
	end
	local ok = q:push(task, key)
	return ok
end

--- Takes the first task out of a CPU's queue.
-- @return the task; nil if there is none, or no such CPU
function set:pop(cpu)
	local q = self.queue[cpu]
	if not q then
		return nil
	end
	local task = q:pop()
	return task
end

--- The first task of a CPU's queue, left where it is; result as of pop().
function set:peek(cpu)
	local q = self.queue[cpu]
	if not q then
		return nil
	end
	local task = q:peek()
	return task
end

--- How many tasks are in a CPU's queue; 0 if there is no such CPU.
function set:len(cpu)
	local q = self.queue[cpu]
	if not q then
		return 0
	end
	local n = q:len()
	return n
end

--- How many tasks are in all the queues: what dispatch() returns if the policy has no others.
function set:total()
	local queues = self.queue
	local n = 0
	for cpu = 0, self.last do
		n = n + queues[cpu]:len()
	end
	return n
end

--- Whom to take a task from.
-- @return the CPU with the most tasks, the lowest of several; nil if all queues are empty
function set:longest()
	local queues = self.queue
	local most, longest = 0, nil
	for cpu = 0, self.last do
		local n = queues[cpu]:len()
		if n > most then
			most, longest = n, cpu
		end
	end
	return longest
end

--- Takes a task out of whichever of the queues it is in: at once if that is the queue of the CPU
-- it last ran on; else all are looked at, which also costs 24 bytes of garbage.
-- @return true; false if it is in none of them
function set:remove(task)
	local queues = self.queue
	local own = queues[task.cpu]
	if own and own:remove(task) then
		return true
	end
	for cpu = 0, self.last do
		if queues[cpu]:remove(task) then
			return true
		end
	end
	return false
end

--- Makes a queue for each CPU there can be. Not for hot code.
-- @param kind "fifo" or "heap"
-- @param cap tasks that each of them holds at most, 1..max_tasks; default: 4 times the CPU's share
--   of max_tasks, at least 1024
-- @return the set; error for another kind or capacity, or if memory is short
return function(kind, cap)
	local new = kinds[kind]
	if not new then
		error(format("scx.percpu: expected \"fifo\" or \"heap\", got %s", tostring(kind)), 2)
	end
	local max = host.max_tasks
	cap = cap or math.min(max, math.max(1024, math.ceil(4 * max / host.nr_cpus)))
	if type(cap) ~= "number" or not (cap >= 1 and cap <= max) then
		error(format("scx.percpu: expected a capacity of 1..%d tasks, got %s", max, tostring(cap)),
			2)
	end
	local queues = {}
	for cpu = 0, host.nr_cpus - 1 do
		queues[cpu] = new(cap)
	end
	return setmetatable({ queue = queues, last = host.nr_cpus - 1 }, set)
end
