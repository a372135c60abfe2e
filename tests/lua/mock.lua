-- SPDX-License-Identifier: GPL-2.0-only
--
-- mock.lua - `require "scx"` without a runtime: what a policy's test runs it on.
--
--   local m = mock.new { nr_cpus = 4, smt = 2, per_llc = 2, opt = { slice_us = 3000 } }
--   local policy = m:load "policies/vtime.lua"
--   local a = m:task { name = "a", weight = 200 }
--   m:enqueue(a)                    policy.enqueue() with a batch, flags 0
--   m:dispatch(8)                   policy.dispatch(8), what it returns
--   m.decided                       { task, cpu, slice_ns, vtime, flags } in order; m:order()
--   m.accept = false                dispatch() returns false; a number: after that many
--   m.rejected, m.bad               decisions for tasks not held; numbers out of range
--   m.kicks                         { cpu, flags } in order
--   m:exit(a), m:reload()           a thread ends; export, load anew, import, held tasks again
--   m.now                           the time, nanoseconds; starts at 1e12
--
-- Tasks are tables that know the fields of struct scx_task and no others. Queues are in Lua and
-- keep runtime/queue.h's contract. The library's other modules are the real ones. A machine
-- that runs what is decided is in machine.lua: m:spawn(), m:run().

local tap = require "tap"
local ffi = require "ffi"

local queue = require "mock_queue"
local machine = require "machine"
local random = require "scx.random"
local vclock = require "scx.vclock"

local mock = {}
mock.__index = mock

local START_NS = 1e12
local VTIME_MAX = 2 ^ 63

local fields = {
	pid = true, tgid = true, ppid = 1, nice = 0, comm = "", cpu = 0, nr_cpus_allowed = true,
	cpumask_seq = 1, weight = 100, flags = 0, payload = 0, enqueue_ns = true, start_ns = 0,
	stop_ns = 0, exec_ns = 0, sum_exec_ns = 0, nvcsw = 0, cgroup_id = 1, vtime = 0,
	cgroup_weight = 100, data = true,
}

local strict_task = {
	__index = function(_, key)
		error("struct scx_task has no " .. tostring(key), 2)
	end,
	__newindex = function(_, key)
		error("struct scx_task has no " .. tostring(key), 2)
	end,
}

--- Makes a task.
-- @param spec its fields, where they are not those of a new thread; name (of messages, default
--   the pid) and cpus, the array of CPUs it may use (default all)
function mock:task(spec)
	spec = spec or {}
	self.nr_tasks = self.nr_tasks + 1
	local t = { queue_ = false, key_ = 0, order_ = 0, allowed_ = false, held_ = false }
	for key, default in pairs(fields) do
		t[key] = default
	end
	t.pid = 1000 + self.nr_tasks
	t.tgid = t.pid
	t.enqueue_ns = self.now
	t.nr_cpus_allowed = spec.cpus and #spec.cpus or self.nr_cpus
	t.data = ffi.new "double[4]"
	for key, value in pairs(spec) do
		if key == "data" then
			for i = 0, 3 do
				t.data[i] = value[i] or 0
			end
		elseif key ~= "cpus" then
			t[key] = value
		end
	end
	t.name = spec.name or tostring(t.pid)
	if spec.cpus then
		t.allowed_ = {}
		for _, cpu in ipairs(spec.cpus) do
			t.allowed_[cpu] = true
		end
	end
	return setmetatable(t, strict_task)
end

-- The CPUs: cores of `smt` neighbours, last-level caches of `per_llc` CPUs, nodes of `per_node`.
local function make_cpus(o, nr_cpus)
	local smt, per_llc = o.smt or 1, o.per_llc or nr_cpus
	local cpus = {}
	for i = 0, nr_cpus - 1 do
		local core = math.floor(i / smt)
		local last = i % smt == smt - 1 or i == nr_cpus - 1
		cpus[i] = {
			online = 1, idle = 1, task_pid = 0, queued = 0, since_ns = 0, slice_ns = 0,
			core = core, sibling = last and core * smt or i + 1,
			llc = math.floor(i / per_llc), node = math.floor(i / (o.per_node or nr_cpus)),
			capacity = o.capacity and o.capacity[i] or 1024,
		}
	end
	return cpus
end

local function bad_number(v, max)
	return type(v) ~= "number" or not (v >= 0 and v <= max)
end

-- What the runtime counts and replaces.
local function check(self, d)
	if bad_number(d.cpu + 1, self.nr_cpus) or d.cpu % 1 ~= 0
			or d.cpu >= 0 and self.cpus[d.cpu].online == 0 then
		self.bad = self.bad + 1
		d.cpu = -1
	end
	if bad_number(d.slice_ns, 1e9) or bad_number(d.vtime, VTIME_MAX) then
		self.bad = self.bad + 1
	end
end

local function state_decision(self, task, cpu, slice_ns, vtime, flags)
	if not self.accept or self.accept == 0 then
		return false
	end
	if type(self.accept) == "number" then
		self.accept = self.accept - 1
	end
	if not task.held_ then
		self.rejected = self.rejected + 1
		return true
	end
	local d = { task = task, cpu = cpu or -1, slice_ns = slice_ns or 0, vtime = vtime or self.now,
		flags = flags or 0 }
	check(self, d)
	task.held_ = false
	task.vtime = d.vtime
	self.nr_held = self.nr_held - 1
	self.decided[#self.decided + 1] = d
	self.outbox[#self.outbox + 1] = d
	return true
end

local function is_allowed(self, task, cpu)
	return self.cpus[cpu] ~= nil and (not task.allowed_ or task.allowed_[cpu] == true)
end

-- May pick_idle() give it out? Not again within 1 ms, unless it was seen busy since.
local function is_free(self, cpu)
	if self.cpus[cpu].idle == 0 then
		self.given[cpu] = nil
		return false
	end
	local given = self.given[cpu]
	return self.cpus[cpu].online == 1 and not (given and self.now - given <= 1e6)
end

local function is_core_free(self, cpu)
	local at = self.cpus[cpu].sibling
	while at ~= cpu do
		if not is_free(self, at) then
			return false
		end
		at = self.cpus[at].sibling
	end
	return true
end

-- As scx_pick_idle() of runtime/ask.c: whole cores first, then the nearest.
local function pick_idle(self, task, llc)
	local best, best_fit = nil, 0
	for cpu = 0, self.nr_cpus - 1 do
		local wanted = not llc or self.cpus[cpu].llc == llc
		if wanted and is_free(self, cpu) and is_allowed(self, task, cpu) then
			local near = self.cpus[cpu].llc == self.cpus[task.cpu].llc
			local fit = cpu == task.cpu and 3 or near and 2 or 1
			fit = is_core_free(self, cpu) and fit + 3 or fit
			if fit > best_fit then
				best, best_fit = cpu, fit
			end
		end
	end
	if best then
		self.given[best] = self.now
	end
	return best
end

-- A module of the library by the name of what it makes: a function, or a table that has it.
-- Absent modules make nothing.
local function library(self, scx, file, ...)
	local f = io.open("lua/scx/" .. file .. ".lua")
	if not f then
		return
	end
	f:close()
	local module = tap.module("scx." .. file,
		{ nr_cpus = self.nr_cpus, max_tasks = self.max_tasks })
	for i = 1, select("#", ...) do
		local key = select(i, ...)
		scx[key] = type(module) == "function" and module or module[key] or module.new
	end
end

local function constants()
	return {
		CPU_ANY = -1, PREEMPT = 1, IF_IDLE = 2,
		WAKEUP = 1, NEW = 2, PREEMPTED = 4, EXPIRED = 8, LAST = 16,
	}
end

local function make_scx(self)
	local scx = constants()
	scx.cpus, scx.nr_cpus, scx.opt = self.cpus, self.nr_cpus, self.opt
	function scx.heap(cap) return queue.heap(cap or self.max_tasks) end
	function scx.fifo(cap) return queue.fifo(cap or self.max_tasks) end
	function scx.now() return self.now end
	function scx.log(fmt, ...) self.logged[#self.logged + 1] = string.format(fmt, ...) end
	function scx.dispatch(...) return state_decision(self, ...) end
	function scx.allowed(task, cpu) return is_allowed(self, task, cpu) end
	function scx.pick_idle(task, llc) return pick_idle(self, task, llc) end
	function scx.kick(cpu, flags)
		self.kicks[#self.kicks + 1] = { cpu = cpu, flags = flags or 0 }
		return true
	end
	function scx.nr_held() return self.nr_held end
	function scx.nr_queued() return machine.nr_queued(self) end
	function scx.nr_running() return machine.nr_running(self) end
	package.loaded["scx.queue"] = queue
	library(self, scx, "ring", "ring")
	library(self, scx, "percpu", "percpu")
	library(self, scx, "average", "ewma", "decay")
	scx.random = random.random
	function scx.vclock(start) return vclock.vclock(start or self.now) end
	return setmetatable(scx, {
		__index = function(_, key)
			return key == "slice_us" and self.slice_us or error("scx has no " .. tostring(key), 2)
		end,
		__newindex = function(_, key, value)
			assert(key == "slice_us" and value >= 100 and value <= 100000, "scx: cannot be set")
			self.slice_us = value
		end,
	})
end

--- Loads a policy, with this mock as its scx; calls init(). The policy before it is forgotten.
function mock:load(path)
	self.path = path
	self.opt = setmetatable({}, { __index = function(_, key)
		error("scx.opt." .. tostring(key) .. ": no such option, or not yet", 2)
	end })
	self.scx = make_scx(self)
	package.loaded.scx = self.scx
	local policy = dofile(path)
	for key, spec in pairs(policy.options or {}) do
		self.opt[key] = spec[1]
	end
	for key, value in pairs(self.overrides) do
		assert(rawget(self.opt, key) ~= nil, path .. " has no option " .. key)
		self.opt[key] = value
	end
	self.policy = policy
	if policy.init then
		policy.init { name = policy.name, nr_cpus = self.nr_cpus, cpus = self.cpus,
			max_tasks = self.max_tasks, options = self.opt, nr_cores = self.nr_cores,
			nr_llcs = self.nr_llcs, nr_nodes = self.nr_nodes }
	end
	return policy
end

--- Hands tasks to the policy as one batch, with the flags, times and numbers they have.
function mock:enqueue(...)
	local batch, n = {}, select("#", ...)
	for i = 1, n do
		local task = select(i, ...)
		queue.forget(task)
		task.enqueue_ns = self.now
		if not task.held_ then
			task.held_ = true
			self.nr_held = self.nr_held + 1
		end
		batch[i - 1] = task
	end
	self.policy.enqueue(batch, n)
end

--- Asks the policy for up to `room` decisions; what it returns, 0 if it has no dispatch().
function mock:dispatch(room)
	return self.policy.dispatch and self.policy.dispatch(room) or 0
end

--- Names of the tasks decided so far, in order; and forgets these decisions.
function mock:order()
	local names = {}
	for i, d in ipairs(self.decided) do
		names[i] = d.task.name
	end
	self.decided = {}
	return table.concat(names, " ")
end

--- A thread ends: out of its queue, exit_task(), off the machine.
function mock:exit(task)
	queue.forget(task)
	if task.held_ then
		task.held_ = false
		self.nr_held = self.nr_held - 1
	end
	machine.remove(self, task)
	if self.policy.exit_task then
		self.policy.exit_task(task)
	end
end

--- A reload: export() of the running policy, the script (default: the same) loaded anew,
-- import(), and the tasks among `held` that no decision was made for handed over again.
function mock:reload(path, held)
	local state = tap.module("scx.state")
	local text = self.policy.export and state.encode(self.policy.export())
	local policy = self:load(path or self.path)
	if text and policy.import then
		policy.import(state.decode(text))
	end
	local again = {}
	for _, task in ipairs(held or self.threads) do
		queue.forget(task)
		if task.held_ then
			again[#again + 1] = task
		end
	end
	if #again > 0 then
		self:enqueue(unpack(again))
	end
	return policy
end

local function count_dense(cpus, nr_cpus, key)
	local most = 0
	for i = 0, nr_cpus - 1 do
		most = math.max(most, cpus[i][key])
	end
	return most + 1
end

--- Makes a mock.
-- @param o nr_cpus (default 2); smt, per_llc, per_node (CPUs of a core, cache, node: default 1,
--   all, all), capacity (array from 0); slice_us (20000); max_tasks (4096); opt (the policy's
--   options, where not the defaults); builtin_idle (default: the policy's, else true)
function mock.new(o)
	o = o or {}
	local nr_cpus = o.nr_cpus or 2
	local self = setmetatable({
		nr_cpus = nr_cpus, cpus = make_cpus(o, nr_cpus), max_tasks = o.max_tasks or 4096,
		slice_us = o.slice_us or 20000, overrides = o.opt or {}, builtin_idle = o.builtin_idle,
		now = START_NS, nr_tasks = 0, nr_held = 0, rejected = 0, bad = 0, accept = true,
		decided = {}, outbox = {}, kicks = {}, logged = {}, given = {},
	}, mock)
	self.nr_cores = count_dense(self.cpus, nr_cpus, "core")
	self.nr_llcs = count_dense(self.cpus, nr_cpus, "llc")
	self.nr_nodes = count_dense(self.cpus, nr_cpus, "node")
	machine.new(self)
	return self
end

mock.spawn = machine.spawn
mock.run = machine.run
mock.hotplug = machine.hotplug
mock.mark = machine.mark
mock.shares = machine.shares

return mock
