-- SPDX-License-Identifier: GPL-2.0-only
-- policies/stride.lua: passes and strides, and who comes back with what.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local mock = require "mock"
local fair = require "fair"

local MS = 1e6
local SLICE = 5 * MS
local STRIDE1 = 2 ^ 20

local m = mock.new()
local policy = m:load "policies/stride.lua"
local EXPIRED, WAKEUP = m.scx.EXPIRED, m.scx.WAKEUP

-- Passes are sums of fractions: equal to a millionth of a stride.
local function is(got, want, name)
	tap.ok(math.abs(got - want) < 1e-2, string.format("%s: %.3f, want %.3f", name, got, want))
end

-- Enqueues a task that used `ran` more; its pass less that of the first task.
local zero
local function back(task, ran, flags)
	task.sum_exec_ns = task.sum_exec_ns + ran
	task.flags = flags or EXPIRED
	m:enqueue(task)
	return task.data[0] - zero
end

-- The example of the paper: strides of 3, 2 and 1 tickets, slice by slice.
local a, b, c = m:task { name = "a", weight = 3 }, m:task { name = "b", weight = 2 },
	m:task { name = "c", weight = 1 }
zero = policy.export().global_pass
m:enqueue(a, b, c)
tap.is(a.data[0], zero, "new tasks start at the global pass")
for _ = 1, 6 do
	m:dispatch(1)
	local ran = m.decided[#m.decided].task
	back(ran, SLICE)
end
tap.is(m:order(), "a b c a b a", "three, two and one of six slices")
is(a.data[0] - zero, STRIDE1, "three strides of a third")
is(b.data[0] - zero, STRIDE1, "two strides of a half")
is(c.data[0] - zero, STRIDE1, "one stride")
m:dispatch(3)
is(policy.export().global_pass, zero + STRIDE1 * 2 / 3,
	"the global pass is that of the one that ran last")

-- Parts of a slice.
m = mock.new()
policy = m:load "policies/stride.lua"
zero = policy.export().global_pass
a, b = m:task { name = "a" }, m:task { name = "b" }
local stride = STRIDE1 / 100
m:enqueue(a, b)
m:dispatch(2)
is(back(a, SLICE / 4), stride / 4, "a quarter of a slice costs a quarter of the stride")
m:dispatch(1)
for i = 1, 8 do
	back(b, SLICE)
	m:dispatch(1)
	if i == 4 then
		is(b.data[0] - zero, 4 * stride, "b goes on while a sleeps")
	end
end
local ahead = policy.export().global_pass - zero
is(ahead, 7 * stride, "and the global pass with it")
is(back(a, SLICE / 2, WAKEUP), ahead + stride * 3 / 4,
	"who slept keeps its distance to the global pass, and pays for what it used")
m:dispatch(1)
is(back(a, 0, WAKEUP), ahead + stride * 3 / 4, "sleeping without running costs nothing")
m:order()
back(b, 0)
m:dispatch(2)
tap.is(m:order(), "a b", "and it is next, as it was")

-- One that never sleeps keeps its pass, however far the global pass has gone.
m:enqueue(a, b)
m:dispatch(2)
for _ = 1, 20 do
	back(b, SLICE)
	m:dispatch(1)
end
is(back(a, SLICE), ahead + 1.75 * stride, "who was waiting or running is not moved up")


-- It is chosen next, far behind as it is; it keeps that distance too.
ahead = policy.export().global_pass - zero
m:dispatch(1)
is(policy.export().global_pass - zero, ahead, "a pass that is behind does not move the global pass")
local behind = a.data[0] - zero - ahead
back(b, SLICE)
m:dispatch(1)
tap.ok(behind < -stride, "a was behind")
is(back(a, SLICE, WAKEUP), ahead + 2 * stride + behind,
	"who sleeps while it is behind comes back as far behind, less what it used")
m:dispatch(1)

for _, junk in ipairs { 1e300, -1e300, 0 / 0, 1 / 0 } do
	local t = m:task { data = { [0] = junk, junk, junk } }
	local now = policy.export().global_pass
	for _, flags in ipairs { WAKEUP, EXPIRED } do
		t.flags = flags
		m:enqueue(t)
		tap.ok(t.data[0] >= now - STRIDE1 and t.data[0] <= now + STRIDE1,
			"bounded whatever was there: " .. tostring(junk))
		t.data[0], t.data[1] = junk, junk
	end
end
local before = policy.export().global_pass
for _, junk in ipairs { 0 / 0, -1, 1e300, "x" } do
	policy.import { global_pass = junk }
	tap.is(policy.export().global_pass, before, "import ignores " .. tostring(junk))
end

fair.check("stride", { within = 0.05, wait_ms = 30, got = 0.75 })

tap.done()
