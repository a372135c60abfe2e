-- SPDX-License-Identifier: GPL-2.0-only
--
-- mock_queue.lua - the queues of lua/scx/queue.lua in plain Lua, with the same contract: a task
-- is in one queue at most, equal keys are first in first out, NaN counts as 0, the capacity is
-- fixed. A sorted array: meant for tens of tasks.

local M = {}

local order = 0 -- of pushes, among equal keys

local shared = {}

function shared:len()
	return #self.list
end

function shared:peek()
	return self.list[1]
end

function shared:pop()
	local task = table.remove(self.list, 1)
	if task then
		task.queue_ = false
	end
	return task
end

function shared:remove(task)
	if task.queue_ ~= self then
		return false
	end
	for i, other in ipairs(self.list) do
		if other == task then
			table.remove(self.list, i)
			break
		end
	end
	task.queue_ = false
	return true
end

local function insert(self, task, key)
	order = order + 1
	task.queue_, task.key_, task.order_ = self, key, order
	local at = #self.list
	while at > 0 and self.list[at].key_ > key do
		at = at - 1
	end
	table.insert(self.list, at + 1, task)
	return true
end

-- A queue of another policy that was replaced does not count: a reload frees it.
local function may_enter(self, task)
	return #self.list < self.cap and not task.queue_
end

local heap = setmetatable({}, { __index = shared })

function heap:push(task, key)
	assert(type(key) == "number", "heap:push: the key must be a number")
	if key ~= key then
		key = 0
	end
	if task.queue_ == self then
		if task.key_ == key then
			return true
		end
		self:remove(task)
	elseif not may_enter(self, task) then
		return false
	end
	return insert(self, task, key)
end

function heap:key()
	return self.list[1] and self.list[1].key_ or 0
end

local fifo = setmetatable({}, { __index = shared })

function fifo:push(task)
	if task.queue_ == self then
		return true
	end
	return may_enter(self, task) and insert(self, task, 0)
end

local function make(methods, cap)
	assert(type(cap) == "number" and cap >= 1 and cap <= 2 ^ 24, "a capacity of 1..2^24 tasks")
	return setmetatable({ list = {}, cap = math.floor(cap) }, { __index = methods })
end

function M.heap(cap)
	return make(heap, cap)
end

function M.fifo(cap)
	return make(fifo, cap)
end

--- Takes a task out of whatever queue it waits in.
function M.forget(task)
	if task.queue_ then
		task.queue_:remove(task)
	end
end

return M
