-- SPDX-License-Identifier: GPL-2.0-only
-- The mock of scx against what it stands for: bpf/abi.h, lua/scx.lua, the queues' contract; and the
-- simulated machine.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"

local MS = 1e6

local function read(path)
	local f = assert(io.open(path))
	local text = f:read "*a"
	f:close()
	return text
end

-- Names. What ends in _ is the runtime's, or the mock's own.
local function fields_of(struct)
	local names = {}
	local body = read("bpf/abi.h"):match("\nstruct " .. struct .. " {\n(.-)\n};")
	for line in body:gsub("/%*.-%*/", ""):gmatch("[^\n]+") do
		local name = line:match("([%w_]+)%[?[%w_]*%]?;")
		if name and not name:match("_$") then
			names[name] = true
		end
	end
	return names
end

local function difference(some, others)
	local list = {}
	for name in pairs(some) do
		if not others[name] and not name:match("_$") then
			list[#list + 1] = name
		end
	end
	table.sort(list)
	return table.concat(list, " ")
end

-- A policy that does what a test tells it to.
local path = os.tmpname()
local f = assert(io.open(path, "w"))
f:write "return { name = 'puppet', enqueue = function(t, n) return require('scx').hook(t, n) end }"
f:close()

local function puppet(o, hook)
	local m = mock.new(o)
	m:load(path)
	rawset(m.scx, "hook", hook or function() end)
	return m
end

local m = puppet()
local t = m:task()
local of_task = fields_of "scx_task"
tap.ok(of_task.data and of_task.comm and of_task.pid, "the fields of struct scx_task are found")
t.name = nil
tap.is(difference(of_task, t), "", "a task has every field of struct scx_task")
tap.is(difference(t, of_task), "", "and no other")
tap.raises("struct scx_task has no vtme", "reading another is an error", function()
	return t.vtme
end)
tap.raises("struct scx_task has no wieght", "so is writing one", function() t.wieght = 1 end)
tap.is(difference(fields_of "scx_cpu", m.cpus[0]), "", "a CPU has every field of struct scx_cpu")

local names = {}
local text = read "lua/scx.lua"
for name in text:match("\nlocal scx = {\n(.-)\n}"):gmatch("\n?\t([%w_]+) = ") do
	names[name] = true
end
for name in text:gmatch("\nfunction scx%.([%w_]+)%(") do
	names[name] = true
end
tap.is(difference(names, m.scx), "", "scx has every name of lua/scx.lua")
m.scx.hook = nil
tap.is(difference(m.scx, names), "", "and no other")
m.scx.slice_us = 3000
tap.is(m.scx.slice_us, 3000, "the default slice can be set")
tap.raises("cannot be set", "to what is in range", function() m.scx.slice_us = 0 / 0 end)
tap.raises("cannot be set", "and nothing else", function() m.scx.slice = 1 end)
tap.raises("scx has no dispach", "reading another is an error", function() return m.scx.dispach end)

-- Queues.
local a, b, c, d = m:task { name = "a" }, m:task { name = "b" }, m:task(), m:task()
local heap, fifo = m.scx.heap(3), m.scx.fifo(2)
tap.is(heap:pop(), nil, "an empty queue gives nil")
tap.ok(heap:push(a, 2) and heap:push(b, 1) and heap:push(c, 1), "push")
tap.is(heap:push(d, 0), false, "a full heap refuses")
tap.is(fifo:push(a), false, "a task is in one queue at most")
tap.is(heap:peek(), b, "first in first out among equals")
tap.is(heap:key(), 1, "with its key")
heap:push(a, 0 / 0)
tap.is(heap:pop(), a, "pushed again it moves to its new key, and NaN is 0")
tap.ok(fifo:push(a) and fifo:push(d), "and then it may wait elsewhere")
tap.is(fifo:push(d), true, "a task that is there keeps its place")
tap.is(fifo:len(), 2, "and is there once")
tap.is(fifo:remove(a), true, "remove")
tap.is(fifo:remove(a), false, "only what is there")
m:exit(b)
tap.is(heap:len(), 1, "a thread that ends is taken out")

-- Decisions.
m = puppet()
a, b = m:task(), m:task()
m:enqueue(a)
m.scx.dispatch(a, 7, -1, 0 / 0)
tap.is(m.bad, 2, "impossible numbers are counted")
m.scx.dispatch(a)
m.scx.dispatch(b)
tap.is(m.rejected, 2, "so are second decisions, and those for tasks that are not held")
m:enqueue(b)
tap.is(m.scx.nr_held(), 1, "nr_held")
m.scx.dispatch(b)
tap.is(m.decided[2].vtime, m.now, "the default vtime is the time")
tap.is(m.scx.nr_held(), 0, "nothing is held")

-- The machine. The puppet decides at once, for 10 ms on any CPU, unless told otherwise.
local function at_once(cpu, flags)
	return function(tasks, n)
		for i = 0, n - 1 do
			m.scx.dispatch(tasks[i], cpu, 10 * MS, nil, flags)
		end
	end
end

m = puppet({ nr_cpus = 2 })
m.scx.hook = at_once()
a, b, c = m:spawn {}, m:spawn {}, m:spawn {}
m:run(3000 * MS)
tap.is(a.sum_exec_ns + b.sum_exec_ns + c.sum_exec_ns, 6000 * MS, "busy CPUs lose no time")
local shares = m:shares { a, b, c }
tap.ok(math.abs(shares[1] - 1 / 3) < 0.01 and math.abs(shares[2] - 1 / 3) < 0.01,
	"three hogs in turn get a third each")
tap.is(m.scx.nr_running(), 2, "nr_running")
tap.is(m.scx.nr_queued(), 1, "nr_queued")
tap.is(a.flags, m.scx.EXPIRED, "a slice that is over has a flag")
tap.is(m.sim[a].max_wait_ns <= 10 * MS, true, "the wait is measured")
m:mark()
m:exit(b)
m:exit(c)
local decided = #m.decided
m:run(1000 * MS)
tap.is(m:shares({ a, b })[1], 1, "threads that end get nothing more")
tap.ok(#m.decided - decided <= 2, "a task that is alone keeps its CPU without asking")

m = puppet({ nr_cpus = 1, slice_us = 1000 })
m.scx.hook = at_once()
a = m:spawn { run_ns = 2 * MS, sleep_ns = 8 * MS }
b = m:spawn { run_ns = 5 * MS, delay_ns = 500 * MS }
m:run(1000 * MS)
tap.ok(math.abs(a.sum_exec_ns - 200 * MS) <= 5 * MS, "runs 2 ms, sleeps 8 ms: a fifth")
tap.ok(a.nvcsw >= 99 and a.exec_ns <= 2 * MS, "exec_ns starts anew at each wakeup")
tap.is(b.sum_exec_ns, 5 * MS, "a thread with an end")
tap.ok(#m.decided < 10, "wakeups on an idle CPU do not ask the policy")
m = puppet({ nr_cpus = 1, builtin_idle = false })
m.scx.hook = at_once()
a = m:spawn { run_ns = 2 * MS, sleep_ns = 8 * MS }
m:run(999 * MS)
tap.is(#m.decided, 100, "without builtin_idle they do")
tap.is(a.flags, m.scx.WAKEUP, "with the flag that says so")

m = puppet({ nr_cpus = 2 })
m.scx.hook = at_once(1)
a, c = m:spawn { cpus = { 0 } }, m:spawn { cpus = { 0, 1 } }
m:spawn { cpus = { 0 } }
m:run(1000 * MS)
tap.is(c.sum_exec_ns, 1000 * MS, "a task runs only where it may")
tap.is(m.scx.allowed(a, 1), false, "allowed")
tap.ok(m.bounced > 0, "a decision for a CPU that it may not use is counted")

m = puppet({ nr_cpus = 1 })
m.scx.hook = at_once(0)
a, b = m:spawn {}, m:spawn {}
m:run(100 * MS)
c = m:spawn { run_ns = 1 * MS, delay_ns = 5 * MS }
m.scx.hook = function(tasks, n)
	for i = 0, n - 1 do
		m.scx.dispatch(tasks[i], 0, 10 * MS, tasks[i] == c and 0 or nil,
			tasks[i] == c and m.scx.PREEMPT or 0)
	end
end
m:run(7 * MS)
tap.is(m.sim[c].max_wait_ns, 0, "PREEMPT interrupts what runs")
tap.is(c.sum_exec_ns, 1 * MS, "for the one that was decided")
tap.ok(a.flags == m.scx.PREEMPTED or b.flags == m.scx.PREEMPTED, "which is told so")
m.scx.kick(0, m.scx.PREEMPT)
local before = a.start_ns + b.start_ns
m:run(1)
tap.ok(a.start_ns + b.start_ns > before, "so does a kick")

m = puppet({ nr_cpus = 2, builtin_idle = false })
m.scx.hook = at_once(1, m.scx.IF_IDLE)
m:spawn {}
m:spawn {}
m:run(100 * MS)
tap.ok(m.idle_missed > 0, "IF_IDLE: a CPU that is taken is missed")
tap.is(m.scx.nr_running(), 2, "and the task runs elsewhere")

os.remove(path)
tap.done()
