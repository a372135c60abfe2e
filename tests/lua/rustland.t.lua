-- SPDX-License-Identifier: GPL-2.0-only
-- policies/rustland.lua: each rule alone, then a recorded stream against the formula, computed here
-- on its own with a sorted list.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local fair = require "fair"

local MS = 1e6
local BASE = 1e12 -- the mock's time at load, where the vruntime starts

local m

local function load_policy(opt, name)
	m = mock.new { opt = opt }
	m:load("policies/" .. (name or "rustland") .. ".lua")
end

-- Decides a task that ran for `ran` ns (default 0) and has run `exec` ns since it slept.
local function turn(task, ran, exec)
	task.start_ns = ran and task.start_ns + 1e9 or task.start_ns
	task.stop_ns = ran and task.start_ns + ran or task.stop_ns
	task.exec_ns = exec or 0
	m:enqueue(task)
	m:dispatch(1)
	local d = m.decided[#m.decided]
	return d.vtime - BASE, d.slice_ns
end

-- Rule by rule. The numbers in the comments are those of the source, worked out by hand.
load_policy()
local a, b = m:task { name = "a" }, m:task { name = "b", weight = 200 }
tap.is(turn(a), 0, "a new task starts at the current vruntime")
tap.is(turn(a, 3 * MS, 3 * MS), 6 * MS, "deadline = vruntime + what it has run since it slept")
tap.is(turn(b), 3 * MS, "the vruntime of all has advanced by what one used")
tap.is(turn(b, 4 * MS), 5 * MS, "weight 200 pays half")
tap.is(turn(a, 1 * MS, 1 * MS), 8 * MS, "the next vruntime starts from the last deadline, 6 ms")
local light = m:task { weight = 7 }
turn(light)
tap.is(turn(light, 1 * MS), 6 * MS + math.floor(100 * MS / 7), "whole nanoseconds, rounded down")

load_policy { slice_us = 2000 }
a, b = m:task { name = "a" }, m:task { name = "b" }
turn(a)
turn(b)
tap.is(turn(b, 50 * MS), 50 * MS, "b runs while a sleeps")
tap.is(turn(a, 0), 48 * MS, "a sleeper gains one slice at most")
tap.is(turn(b, 10 * MS, 500 * MS), 260 * MS, "at most 100 slices for not having slept: 60 + 200")

load_policy { slice_us = 2000, carry_deadline = false }
a = m:task()
turn(a)
tap.is(turn(a, 3 * MS, 3 * MS), 6 * MS, "carry_deadline=false: the same at first")
tap.is(turn(a, 1 * MS, 1 * MS), 5 * MS, "then vruntime 3 + 1, and 1 since it slept")

load_policy { slice_min_us = 1000 }
for _, case in ipairs { { 100, 1 }, { 50, 0.5 }, { 300, 3 }, { 1, 0.05 }, { 10000, 100 } } do
	local _, slice_ns = turn(m:task { weight = case[1] })
	tap.is(slice_ns, case[2] * MS, "slice of weight " .. case[1])
end

-- An idle CPU, or any.
load_policy()
m.cpus[0].idle = 0
turn(m:task { cpu = 0 })
tap.is(m.decided[1].cpu, 1, "to an idle CPU")
tap.is(m.decided[1].flags, m.scx.IF_IDLE, "if it still is when the decision arrives")
m.cpus[1].idle = 0
turn(m:task { cpu = 0 })
tap.is(m.decided[2].cpu, -1, "none is idle: to any CPU")
tap.is(m.decided[2].flags, 0, "without conditions")

-- The mark in data[1] does not make every number good.
for _, junk in ipairs { 0 / 0, 1 / 0, -1 / 0, -1e300, 2 ^ 62, 1e300 } do
	load_policy()
	a = m:task { name = "a" }
	turn(a)
	a.data[0] = junk
	local got = turn(a)
	tap.ok(got >= -20 * MS and got <= 0, "a last deadline of " .. tostring(junk) .. " counts as none")
end

-- The stream.

local function read_stream(path)
	local steps = {}
	for line in io.lines(path) do
		local word, rest = line:match("^(%l+) (.+)")
		if word == "enqueue" then
			local name, weight, start, stop, exec = rest:match("^(%w+) +(%d+) +(%d+) +(%d+) +(%d+)$")
			steps[#steps + 1] = { name = name, weight = tonumber(weight), start = tonumber(start),
				stop = tonumber(stop), exec = tonumber(exec) }
		elseif word == "dispatch" then
			steps[#steps + 1] = { room = tonumber(rest) }
		end
	end
	return steps
end

-- What the formula says: "NAME DEADLINE SLICE" for each decision.
local function by_formula(steps, slice, slice_min)
	local vruntime_now, last, pool, order = BASE, {}, {}, {}
	for at, s in ipairs(steps) do
		if s.room then
			for _ = 1, math.min(s.room, #pool) do
				local first = table.remove(pool, 1)
				last[first.name] = first.deadline
				order[#order + 1] = string.format("%s %.0f %.0f", first.name, first.deadline - BASE,
					slice_min * first.weight / 100)
			end
		else
			local vruntime = math.max(last[s.name] or vruntime_now, vruntime_now - slice)
			local used = math.floor((s.stop - s.start) * 100 / s.weight)
			vruntime, vruntime_now = vruntime + used, vruntime_now + used
			table.insert(pool, { name = s.name, weight = s.weight, at = at,
				deadline = vruntime + math.min(s.exec, 100 * slice) })
			table.sort(pool, function(x, y)
				return x.deadline < y.deadline or x.deadline == y.deadline and x.at < y.at
			end)
		end
	end
	return order
end

-- What the policy says.
local function by_policy(steps)
	local tasks, batch, order = {}, {}, {}
	for _, s in ipairs(steps) do
		if s.room then
			m:enqueue(unpack(batch))
			batch = {}
			m:dispatch(s.room)
		else
			local t = tasks[s.name] or m:task { name = s.name, weight = s.weight }
			tasks[s.name] = t
			t.start_ns, t.stop_ns, t.exec_ns = BASE + s.start, BASE + s.stop, s.exec
			batch[#batch + 1] = t
		end
	end
	for i, d in ipairs(m.decided) do
		order[i] = string.format("%s %.0f %.0f", d.task.name, d.vtime - BASE, d.slice_ns)
	end
	return order
end

local function first_difference(some, others)
	for i = 1, math.max(#some, #others) do
		if some[i] ~= others[i] then
			return string.format("decision %d: %s, not %s", i, some[i] or "none", others[i] or "none")
		end
	end
end

local function names(order)
	local list = {}
	for i, line in ipairs(order) do
		list[i] = line:match("^%w+")
	end
	return list
end

local steps = read_stream "tests/lua/data/rustland.txt"
local want = by_formula(steps, 0.1 * MS, 1 * MS)
tap.is(#want, 66, "the stream is there")
-- Worked out with pencil and paper: all start level, in order of arrival; then 0 + 1 ms + 1 ms for
-- hog; 1 - 0.1 ms (credit) + 0.3 / 0.3 ms + 0.3 ms for nice; burst and hog2 are new at 2 ms; ...
tap.is(table.concat(want, ", ", 1, 10), "hog 0 1000000, nice 0 300000, heavy 0 3000000, "
	.. "brief 0 1000000, timer 0 10000000, hog 2000000 1000000, burst 2000000 1700000, "
	.. "hog2 2000000 1000000, nice 2200000 300000, timer 2905000 10000000",
	"the formula in this test, checked by hand")

load_policy { slice_us = 100, slice_min_us = 1000 }
local got = by_policy(steps)
tap.is(#got, #want, "as many decisions")
tap.is(first_difference(got, want), nil,
	"the recorded stream: who, deadline and slice are what the formula says")

-- Other policies do not pass, even if only the order of the names counts.
for _, name in ipairs { "fifo", "vtime" } do
	load_policy({}, name)
	tap.ok(first_difference(names(by_policy(steps)), names(want)), name .. " gives another order")
end

fair.check("rustland",
	{ pair = false, within = 0.05, wait_ms = 3, got = 0.95, opt = { slice_us = 2000 } })

tap.done()
