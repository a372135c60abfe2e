-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx.lua - the module a policy sees: `local scx = require "scx"`.
--
--   scx.dispatch(task, cpu, slice_ns, vtime, flags)   state a decision
--   scx.kick(cpu, flags)                              wake a CPU, or interrupt what runs there
--   scx.allowed(task, cpu), scx.pick_idle(task, llc)  where a task may run, and could at once
--   scx.nr_held(), nr_queued(), nr_running()          how much there is to do
--   scx.heap([cap]), scx.fifo([cap])                  queues of tasks, see scx/queue.lua
--   scx.percpu(kind, cap)                             a queue per CPU, see scx/percpu.lua
--   scx.ring(n)                                       numbers that take turns, see scx/ring.lua
--   scx.vclock()                                      virtual time, see scx/vclock.lua
--   scx.random([seed])                                random numbers, see scx/random.lua
--   scx.now()                                         CLOCK_MONOTONIC, nanoseconds
--   scx.log(fmt, ...)                                 one line on stderr
--   scx.opt.KEY                                       options, set once the policy's table is read
--   scx.cpus[i], scx.nr_cpus                          the machine, i = 0..nr_cpus-1
--   scx.slice_us                                      default slice, microseconds; can be set
--   scx.CPU_ANY                                       as a cpu: the queue every CPU takes from
--   scx.PREEMPT IF_IDLE                               a decision's flags
--   scx.WAKEUP NEW PREEMPTED EXPIRED LAST             bits of task.flags
--
-- Tasks and CPUs are the C structs of bpf/abi.h; fields that are not the policy's are const, and
-- writing one is an error. Reading any other name from scx, or adding one, is an error too.

local _, host = ...
local ffi = require "ffi"
local queue = require "scx.queue"
local option = require "scx.option"
local nearest = require "scx.nearest"

local C = ffi.C
local format = string.format
local host_log = host.log

-- One outbox for the life of the state: its address becomes a constant of the compiled code.
local outbox = ffi.cast("struct scx_outbox *", host.outbox)
local cap = outbox.cap
local CPU_ANY = C.SCX_CPU_ANY

local scx = {
	CPU_ANY = CPU_ANY,
	PREEMPT = C.SCX_PREEMPT,
	IF_IDLE = C.SCX_IF_IDLE,
	WAKEUP = C.SCX_TASK_WAKEUP,
	NEW = C.SCX_TASK_NEW,
	PREEMPTED = C.SCX_TASK_PREEMPTED,
	EXPIRED = C.SCX_TASK_EXPIRED,
	LAST = C.SCX_TASK_LAST,
	cpus = ffi.cast("const struct scx_cpu *", host.cpus),
	nr_cpus = host.nr_cpus,
	opt = option.values,
	percpu = require "scx.percpu",
	ring = require "scx.ring",
	vclock = require("scx.vclock").vclock,
	random = require("scx.random").random,
}

--- States a decision: run `task` next on `cpu` for `slice_ns`.
-- @param task a struct scx_task * that waits for a decision: from enqueue()'s array or a queue
-- @param cpu scx.CPU_ANY (default) or 0..scx.nr_cpus-1
-- @param slice_ns nanoseconds; 0 (default) is the runtime's slice, too large a value is clamped
-- @param vtime order within the target queue, 0..2^63, lowest first; default: the time of this
--   batch, so that a policy that gives none is first come, first served
-- @param flags bits: scx.PREEMPT to interrupt what runs on that CPU; scx.IF_IDLE to run there only
--   if the CPU is still idle when the kernel gets to it, else wherever a CPU comes free (the shared
--   queue, same vtime); default 0
-- @return true; false if the ring to the kernel is full: keep the task and try again later.
-- Values out of range are replaced and counted by the runtime, never fatal; a value of the wrong
-- type is an error.
function scx.dispatch(task, cpu, slice_ns, vtime, flags)
	local n = outbox.n
	if n >= cap then
		C.scx_outbox_flush()
		n = outbox.n
		if n >= cap then
			return false
		end
	end
	local d = outbox.decision[n]
	d.task = task
	d.cpu = cpu or CPU_ANY
	d.slice_ns = slice_ns or 0
	d.vtime = vtime or outbox.now_ns
	d.flags = flags or 0
	outbox.n = n + 1
	return true
end

-- For `scxlua check`, which then can say where a wrong decision was made.
if host.line then
	local dispatch = scx.dispatch

	function scx.dispatch(...)
		local ok = dispatch(...)
		if ok then
			outbox.decision[outbox.n - 1].reserved = host.line()
		end
		return ok
	end
end

--- Kicks a CPU: it looks for work again, at once.
-- @param cpu 0..scx.nr_cpus-1
-- @param flags scx.PREEMPT to interrupt what runs there (its task is enqueued again), else 0
--   (default): only an idle CPU is woken
-- @return true; false if the ring to the kernel is full. An impossible CPU is counted (bad_cpu).
function scx.kick(cpu, flags)
	local ret = C.scx_kick(cpu, flags or 0) -- not a tail call: see scx/queue.lua
	return ret == 0
end

--- May the task run on the CPU? Its affinity as of its last enqueue.
-- @param cpu any number; false for one that is no CPU
function scx.allowed(task, cpu)
	local ret = C.scx_allowed(task, cpu)
	return ret ~= 0
end

--- An idle CPU for the task, which pick_idle then gives to nobody else until it was seen busy, for
-- a millisecond at most. Whole idle cores come first, then nearness: the task's last CPU, its
-- last-level cache, any. What is idle may be so no longer when the decision arrives: pass
-- scx.IF_IDLE with it.
-- @param llc only CPUs of this last-level cache; default: any. A number that is none has no CPU
-- @return its number; nil if none is idle that the task may use
function scx.pick_idle(task, llc)
	local cpu = C.scx_pick_idle(task, llc or -1)
	if cpu >= 0 then
		return cpu
	end
	return nil
end

--- Tasks that were handed to the policy and wait for its decision, now.
function scx.nr_held()
	local n = C.scx_nr_held()
	return n
end

--- Decided tasks that wait for a CPU, about now: the kernel's queues as the worker last saw them,
-- and decisions on their way.
function scx.nr_queued()
	local n = C.scx_nr_queued()
	return n
end

--- CPUs that run one of the scheduler's tasks now.
function scx.nr_running()
	local n = C.scx_nr_running()
	return n
end

--- A priority queue of tasks, lowest key first.
-- @param nr how many tasks it holds at most; default: as many threads as the runtime tracks
-- @return the queue (scx/queue.lua); error if memory is short. Not for hot code.
function scx.heap(nr)
	return queue.heap(nr or host.max_tasks)
end

--- A first-in, first-out queue of tasks; argument, result and error as for scx.heap().
function scx.fifo(nr)
	return queue.fifo(nr or host.max_tasks)
end

--- The time now, not that of the batch; costs about 20 ns.
-- @return nanoseconds of CLOCK_MONOTONIC, comparable to task.enqueue_ns
function scx.now()
	local ns = C.scx_now_ns() -- not a tail call: see scx/queue.lua
	return ns
end

--- Writes one line to stderr, with the policy's name before it. At most 10 lines a second, the
-- rest is counted. Builds a string, so not for hot code.
-- @param fmt as for string.format, with its arguments after it
function scx.log(fmt, ...)
	host_log(format(fmt, ...))
end

local MIN_SLICE_US, MAX_SLICE_US = 100, outbox.max_slice_us_

return setmetatable(scx, {
	__index = function(_, key)
		if key == "slice_us" then
			return outbox.default_slice_us_
		end
		error(format("scx has no %s%s", tostring(key), nearest(key, scx)), 2)
	end,
	__newindex = function(_, key, value)
		if key ~= "slice_us" then
			error(format("scx.%s: nothing can be added to scx", tostring(key)), 2)
		end
		if type(value) ~= "number" or not (value >= MIN_SLICE_US and value <= MAX_SLICE_US) then
			error(format("scx.slice_us: expected %d..%d, got %s", MIN_SLICE_US, MAX_SLICE_US,
				tostring(value)), 2)
		end
		outbox.default_slice_us_ = value
	end,
	__metatable = false,
})
