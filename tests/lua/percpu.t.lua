-- SPDX-License-Identifier: GPL-2.0-only
-- lua/scx/percpu.lua on the mock's queues: which task is where, and what becomes of odd arguments.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"

package.loaded["scx.queue"] = require "mock_queue"

local m = mock.new { nr_cpus = 4 }

local function percpu(kind, cap, nr_cpus, max_tasks)
	local new = tap.module("scx.percpu", { nr_cpus = nr_cpus or 4, max_tasks = max_tasks or 4096 })
	return new(kind, cap)
end

local function task(name)
	return m:task { name = name }
end

local function lengths(set)
	return set:len(0) .. " " .. set:len(1) .. " " .. set:len(2) .. " " .. set:len(3)
end

local set = percpu "fifo"
tap.is(set:total(), 0, "a new set is empty")
tap.is(set:longest(), nil, "so there is nobody to take from")
tap.is(set:pop(0), nil, "and nothing to take")
local a, b, c, d = task "a", task "b", task "c", task "d"
tap.ok(set:push(0, a) and set:push(3, b) and set:push(3, c) and set:push(1, d), "four tasks")
tap.is(lengths(set), "1 1 0 2", "each in the queue of its CPU")
tap.is(set:total(), 4, "total adds them up")
tap.is(set:longest(), 3, "longest is the CPU with the most")
tap.is(set:peek(3), b, "peek shows the first")
tap.is(set:pop(3), b, "pop takes it")
tap.is(set:longest(), 0, "of equal ones the lowest CPU")
tap.ok(not set:push(2, a), "a task is in one queue at most")
tap.ok(set:push(0, a), "pushed again where it is, it stays")
tap.is(lengths(set), "1 1 0 1", "once")
tap.ok(set:remove(c), "remove finds the queue")
tap.ok(set:remove(a) and set:push(0, a), "also that of the CPU which the task last ran on")
tap.ok(not set:remove(c), "once")
tap.is(lengths(set), "1 1 0 0", "the others stay")
m:load "policies/fifo.lua"
m:exit(a)
tap.is(set:total(), 1, "a thread that ends is not counted")
tap.is(set:longest(), 1, "nor found")

local x, y, z = task "x", task "y", task "z"
for _, cpu in ipairs { -1, 4, 1.5, 0 / 0, 1e300, "0" } do
	local name = tostring(cpu)
	tap.ok(not set:push(cpu, x), "no such CPU to push to: " .. name)
	tap.ok(set:pop(cpu) == nil and set:peek(cpu) == nil and set:len(cpu) == 0,
		"nor to take from: " .. name)
end

set = percpu("heap", 2)
tap.ok(set:push(2, x, 5) and set:push(2, y, 3), "a heap for each CPU")
tap.is(set:peek(2), y, "lowest key first")
tap.ok(not set:push(2, z, 1), "a full queue takes no more")
tap.ok(set:push(1, z, 1), "another CPU's does")
tap.ok(set:push(2, x, 1), "a new key for a task that waits")
tap.is(set:pop(2), x, "puts it in its new place")

tap.raises("scx.percpu: expected \"fifo\" or \"heap\", got stack", "unknown kind", percpu, "stack")
tap.raises("got nil", "no kind", percpu)
for _, cap in ipairs { 0, -1, 4097, 0 / 0, "many" } do
	tap.raises("scx.percpu: expected a capacity of 1..4096 tasks, got " .. tostring(cap),
		"capacity " .. tostring(cap), percpu, "fifo", cap)
end

-- The default capacity, by how many tasks fit.
local function fits(nr_cpus, max_tasks)
	local queues = percpu("fifo", nil, nr_cpus, max_tasks)
	local n = 0
	while queues:push(0, task()) do
		n = n + 1
	end
	return n
end
tap.is(fits(16, 8192), 2048, "by default 4 times a CPU's share of the tasks")
tap.is(fits(16, 2048), 1024, "at least 1024")
tap.is(fits(2, 64), 64, "at most all tasks")

tap.done()
