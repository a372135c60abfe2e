-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/queue.lua - the C queues of runtime/queue.h as Lua objects.
--
--   heap:push(task, key)   lowest key first, first in first among equal keys; NaN counts as 0.
--                          A task already in this heap moves to its new key
--   fifo:push(task)        at the end; a task already in this fifo keeps its place
--                          both: true; false if the queue is full or the task waits in another
--   q:pop()                the first task, taken out; nil if empty
--   q:peek()               the first task, left in; nil if empty
--   q:remove(task)         true; false if the task is not in q
--   q:len()                number of tasks
--   heap:key()             key of the first task; 0 if empty
--
-- A thread that ends is taken out by the runtime before exit_task() is called. A queue is freed
-- when the last reference to it goes.

local ffi = require "ffi"

local C = ffi.C

-- Two types for one C struct, so that each has its own push and pop.
ffi.cdef [[
struct scx_heap_ref { struct scx_queue *const q; };
struct scx_fifo_ref { struct scx_queue *const q; };
]]

-- No method ends in a tail call to C: a policy's `return queue:len()` would then return from C
-- straight to the policy's caller, which LuaJIT cannot compile.

-- A NULL pointer is true in Lua's conditions: turn it into nil.
local function task_or_nil(task)
	if task == nil then
		return nil
	end
	return task
end

local function remove(self, task)
	return C.scx_queue_remove(self.q, task) == 0
end

local function len(self)
	local n = C.scx_queue_len(self.q)
	return n
end

local function free(self)
	C.scx_queue_free(self.q)
end

local heap = { remove = remove, len = len }

function heap:push(task, key)
	return C.scx_heap_push(self.q, task, key) == 0
end

function heap:pop()
	return task_or_nil(C.scx_heap_pop(self.q))
end

function heap:peek()
	return task_or_nil(C.scx_heap_peek(self.q))
end

function heap:key()
	local key = C.scx_heap_key(self.q)
	return key
end

local fifo = { remove = remove, len = len }

function fifo:push(task)
	return C.scx_fifo_push(self.q, task) == 0
end

function fifo:pop()
	return task_or_nil(C.scx_fifo_pop(self.q))
end

function fifo:peek()
	return task_or_nil(C.scx_fifo_peek(self.q))
end

local heap_ref = ffi.metatype("struct scx_heap_ref", { __index = heap, __gc = free })
local fifo_ref = ffi.metatype("struct scx_fifo_ref", { __index = fifo, __gc = free })

-- Wraps what a C constructor made; `what` names it in the error.
local function make(what, new, ref, cap)
	if type(cap) ~= "number" or not (cap >= 1 and cap <= 2 ^ 24) then
		error(string.format("%s: expected a capacity of 1..16777216 tasks, got %s", what,
			tostring(cap)), 4)
	end
	local q = new(cap)
	if q == nil then
		error(string.format("%s: no memory for %d tasks", what, cap), 4)
	end
	return ref(q)
end

local M = {}

--- Makes a heap for up to `cap` tasks (1..2^24). Error if memory is short.
function M.heap(cap)
	local q = make("scx.heap", C.scx_heap_new, heap_ref, cap)
	return q
end

--- Makes a FIFO for up to `cap` tasks (1..2^24). Error if memory is short.
function M.fifo(cap)
	local q = make("scx.fifo", C.scx_fifo_new, fifo_ref, cap)
	return q
end

return M
