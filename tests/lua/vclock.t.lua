-- SPDX-License-Identifier: GPL-2.0-only
-- Virtual time: charging by weight, the bounds, and what data[] may hold.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local vclock = require("scx.vclock").vclock

local MS = 1e6
local START = 1e12
local CREDIT = 5 * MS

local function task(v, charged, used)
	return { data = { [0] = v or 0, charged or 0 }, sum_exec_ns = used or 0 }
end

local clock = vclock(START)
tap.is(clock.now, START, "starts where it is told to")
local t = task()
tap.is(clock:charge(t, 100, CREDIT), START, "a new task starts at the clock")
tap.is(t.data[0], START, "data[0] is its virtual time")

t.sum_exec_ns = 3 * MS
tap.is(clock:charge(t, 100, CREDIT), START + 3 * MS, "weight 100 pays what it used")
tap.is(t.data[1], 3 * MS, "data[1] is what was charged")
tap.is(clock:charge(t, 100, CREDIT), START + 3 * MS, "nothing is charged twice")
for weight, v in pairs { [400] = 0.5, [10] = 20, [0.1] = 200 } do
	tap.is(vclock(START):charge(task(START, 3 * MS, 5 * MS), weight, CREDIT), START + v * MS,
		"weight " .. weight .. " pays for 2 ms " .. v)
end

-- The clock is where the task was that ran last: not where it is after that.
tap.is(clock.now, START, "who begins at the clock does not move it")
t.sum_exec_ns = 5 * MS
clock:charge(t, 100, CREDIT)
tap.is(clock.now, START + 3 * MS, "who ran from later on does")
clock:charge(task(START + 1 * MS, 0, 1 * MS), 100, CREDIT)
tap.is(clock.now, START + 3 * MS, "never back")
for _, junk in ipairs { 0 / 0, -1, 2 ^ 63, 1 / 0, -1 / 0, START + 1e9 } do
	clock:charge(task(junk, 0, 1 * MS), 100, CREDIT)
	tap.is(clock.now, START + 3 * MS, "not by what cannot be: " .. tostring(junk))
end

-- Sleepers and those that ran alone.
local NOW = START + 1e9
clock:resume(NOW)
tap.is(clock:charge(t, 100, CREDIT), NOW - CREDIT, "a sleeper is a credit behind at most")
t = task(START, 0, 1)
tap.is(clock:charge(t, 100, 0), NOW, "no credit, no advantage")
t = task(NOW, 0, 60e9)
tap.is(clock:charge(t, 100, 20 * MS), NOW + 20 * MS, "at most what a credit costs ahead")
t = task(NOW, 0, 60e9)
tap.is(clock:charge(t, 1, 20 * MS), NOW + 2000 * MS, "which is more for a light task")
t = task(NOW, 0, 60e9)
tap.is(clock:charge(t, 100, 1 * MS), NOW + 10 * MS, "and at least what a tick adds to a slice")

-- Whatever was there, the result is a number within the bounds.
local values = { 0 / 0, 1 / 0, -1 / 0, 1e300, -1e300, -1, 1e-300, 2 ^ 63 }
local wrong
for _, v in ipairs(values) do
	for _, charged in ipairs(values) do
		t = task(v, charged, 7 * MS)
		local got = clock:charge(t, 100, CREDIT)
		if not (got >= NOW - CREDIT and got <= NOW + 100 * CREDIT) or t.data[0] ~= got
				or t.data[1] ~= 7 * MS then
			wrong = string.format("data %s, %s: %s", v, charged, got)
		end
	end
end
tap.is(wrong, nil, "junk in data[] is bounded, and gone after one charge")
for _, weight in ipairs { 0, -1, 0 / 0, 1 / 0 } do
	local got = clock:charge(task(NOW, 0, 7 * MS), weight, CREDIT)
	tap.ok(got >= NOW - CREDIT and got <= NOW + 1e9, "bounded with weight " .. weight)
end

-- A long run: weights 1, 2 and 4 share the CPU time as 1, 2 and 4.
clock = vclock(START)
local hogs = { task(), task(), task() }
for _ = 1, 7000 do
	local first
	for i, hog in ipairs(hogs) do
		local v = clock:charge(hog, 50 * 2 ^ i, CREDIT)
		first = (not first or v < first.data[0]) and hog or first
	end
	first.sum_exec_ns = first.sum_exec_ns + CREDIT
end
for i, hog in ipairs(hogs) do
	tap.ok(math.abs(hog.sum_exec_ns / CREDIT - 500 * 2 ^ i) <= 2,
		string.format("%d of 7000 slices for weight %d", hog.sum_exec_ns / CREDIT, 50 * 2 ^ i))
end

clock:resume(1e9)
tap.is(clock.now, 1e9, "resume: also to an earlier time")
for _, junk in ipairs { 0 / 0, 0, -1, 2 ^ 63, "5", false } do
	clock:resume(junk)
	tap.is(clock.now, 1e9, "resume ignores " .. tostring(junk))
end
clock:resume()
tap.is(clock.now, 1e9, "resume ignores nil")

for _, junk in ipairs { 0 / 0, 0, -1, 1 / 0, "x" } do
	tap.raises("scx.vclock: expected a first time > 0, got " .. tostring(junk),
		"refuses to start at " .. tostring(junk), vclock, junk)
end

tap.done()
