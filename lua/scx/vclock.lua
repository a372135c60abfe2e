-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/vclock.lua - weighted virtual time: who has had the least CPU time for its weight?
--
--   clock.now                              virtual time from which a task ran last, nanoseconds
--   clock:charge(task, weight, credit_ns)  the task's virtual time, after what it has used
--   clock:resume(v)                        go on from a clock.now that was exported
--
-- A task's virtual time advances by the CPU time it uses, times 100 / weight; the task with the
-- least is next. It is kept in task.data[0], the CPU time charged so far in task.data[1], so that
-- a policy on a clock has data[2] and data[3] for itself. The clock moves on to where a task was
-- when it got the CPU: not when it was decided, or a light one that is decided and waits would
-- take the others along, and two tasks would share 2 : 1 at most. The bounds are those of CFS
-- (Documentation/scheduler/sched-design-CFS.rst): a new task starts at the clock, one that slept
-- is a credit behind it at most. One that had a CPU for itself is ahead of the clock by what it
-- pays for credit_ns at most, so it does not wait for long when others come. The same bounds hold
-- whatever another policy left in data[].

local ffi = require "ffi"

ffi.cdef "struct scx_vclock { double now; };"

local LOWEST_WEIGHT = 1
local TICK_NS = 1e7    -- a slice ends at a tick of the kernel, this much later at most
local NEVER = 2 ^ 63 -- no virtual time a decision can have

local clock = {}

--- Charges a task for the CPU time it has used since the last call. At most once per enqueue.
-- @param task a struct scx_task *; data[0] and data[1] are the clock's
-- @param weight what its time is worth, 100 is normal: task.weight, or another number >= 1
-- @param credit_ns how far behind the clock a task that slept may be, >= 0: usually a slice
-- @return its virtual time, also in data[0]:
--   clock.now - credit_ns .. clock.now + max(credit_ns, 1e7) * 100 / weight.
--   Not a number is counted as the upper bound of weight 1, and is never returned.
function clock:charge(task, weight, credit_ns)
	local data, now = task.data, self.now
	local v, used = data[0], task.sum_exec_ns - data[1]
	local scale = weight >= LOWEST_WEIGHT and 100 / weight or 100
	local ahead = (credit_ns > TICK_NS and credit_ns or TICK_NS) * scale
	data[1] = task.sum_exec_ns
	if v == 0 then
		v = now
	elseif used > 0 then
		if v > now and v <= now + ahead and v < NEVER then
			now = v
			self.now = v
		end
		v = v + used * scale
	end
	if v < now - credit_ns then
		v = now - credit_ns
	elseif v > now + ahead or v ~= v then
		v = now + ahead
	end
	data[0] = v
	return v
end

--- Sets the clock, to later or earlier: for import().
-- @param v what clock.now was; anything but a number of 0 < v < 2^63 is ignored
function clock:resume(v)
	if type(v) == "number" and v > 0 and v < NEVER then
		self.now = v
	end
end

local new = ffi.metatype("struct scx_vclock", { __index = clock })

local M = {}

--- Makes a clock. Not for hot code.
-- @param start its first time, > 0; default: the time now, so that what a policy before this one
--   left in data[] is seldom in the future
-- @return the clock; error if start is not a number > 0
function M.vclock(start)
	start = start or ffi.C.scx_now_ns()
	if type(start) ~= "number" or not (start > 0 and start < NEVER) then
		error(string.format("scx.vclock: expected a first time > 0, got %s", tostring(start)), 3)
	end
	return new(start)
end

return M
