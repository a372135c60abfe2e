-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/running.lua - scx.running(): how urgent are the threads that have a CPU now, and which of
-- them should give it up for one that was woken?
--
--   local running = scx.running()
--   local cpu = running:victim(task, rank)
--   scx.dispatch(task, cpu or scx.CPU_ANY, slice_ns, vtime, cpu and scx.PREEMPT or 0)
--   running:set(task, rank)
--
-- A rank is a number, the lower the more urgent: a nice value, a level, a deadline. The kernel
-- says who runs by pid only (scx.cpus[i].task_pid), so the ranks are kept by pid, in a table of
-- fixed size: of threads whose pids differ by a multiple of 4096 only the last one is known. One
-- that is not known is left alone.
-- In C (runtime/running.c): a loop over CPUs in Lua, inside that over the tasks of a batch, makes
-- garbage of each task.

local _, host = ...
local ffi = require "ffi"

local C = ffi.C

ffi.cdef [[
struct scx_running_ref { struct scx_running *const r; };
]]

local methods = {}

--- Notes the task's rank, for when it runs: call it at every decision.
-- @param task the task that is decided
-- @param rank any number; NaN is ignored
function methods:set(task, rank)
	C.scx_running_set(self.r, task, rank)
end

--- Whom to interrupt for a task that was woken. Looks at 32 CPUs at most, from the task's last one
-- on, which is preferred among equals.
-- @param task the task; its affinity counts
-- @param rank its rank
-- @return the CPU whose thread has the highest rank above `rank`; nil if there is none, or if a
--   CPU that the task may use is idle or comes free. A CPU serves one task so, until it has run
--   another thread.
function methods:victim(task, rank)
	local cpu = C.scx_running_victim(self.r, task, rank)
	if cpu >= 0 then
		return cpu
	end
	return nil
end

local ref = ffi.metatype("struct scx_running_ref", {
	__index = methods,
	__gc = function(self) C.scx_running_free(self.r) end,
})

local M = {}

--- Makes an empty record. Takes 64 KiB: once, at the top of a policy. Error if memory is short.
function M.running()
	local r = C.scx_running_new(host.nr_cpus)
	if r == nil then
		error("scx.running: no memory", 2)
	end
	return ref(r)
end

return M
