-- SPDX-License-Identifier: GPL-2.0-only
-- policies/interactive.lua: how long a task is put off, by name and by behaviour, and what for.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local ffi = require "ffi"
local mock = require "mock"
local sound = require "sound"

local MS = 1e6
local INTERACTIVE, FIFO = "policies/interactive.lua", "policies/fifo.lua"
local WAKEUP, EXPIRED = 1, 8

local m

local function load(opt)
	m = mock.new { opt = opt }
	m:load(INTERACTIVE)
	m.cpus[0].idle, m.cpus[1].idle = 0, 0
end

-- By how many ms the task is put off when it is handed over.
local function delay(task, flags)
	task.flags = flags or WAKEUP
	m.decided = {}
	m:enqueue(task)
	return (m.decided[1].vtime - m.now) / MS
end

-- The same after `times` bursts of `burst_ms`, one every `every_ms`.
local function wake(task, burst_ms, every_ms, times)
	local d
	for _ = 1, times or 1 do
		m.now = m.now + every_ms * MS
		task.sum_exec_ns = task.sum_exec_ns + burst_ms * MS
		task.nvcsw, task.exec_ns = task.nvcsw + 1, 0
		d = delay(task)
	end
	return d
end

local function expire(task, ran_ms)
	m.now = m.now + ran_ms * MS
	task.sum_exec_ns, task.exec_ns = task.sum_exec_ns + ran_ms * MS, task.exec_ns + ran_ms * MS
	return delay(task, EXPIRED)
end

load { names = "gnome-shell, Xorg ,a name that is too long", delay_us = 100000, burst_us = 10000 }
local function near(got, want, name)
	if not tap.ok(math.abs(got - want) < want / 100 + 1e-3, name) then
		print(string.format("# expected: %g\n#      got: %g", want, got))
	end
end

local t = m:task()
tap.is(delay(t), 0, "a new thread is not put off")
tap.is(m.decided[1].slice_ns, 3 * MS, "the slice")
near(expire(t, 3), 30, "a burst of 3 ms so far, of 10: by 30 %")
near(expire(t, 3), 60, "6 ms: 60 %")
near(expire(t, 30), 100, "a hog: by delay_us")
near(wake(t, 0, 1e4), 90, "a hog that slept for once is nearly a hog: the average counts")

t = m:task()
near(wake(t, 1, 2000, 20), 10, "bursts of 1 ms, seldom")
local often = m:task()
local d = wake(often, 1, 10, 200)
near(d, 10 * (1 - 0.5 ^ (10 / 200)), "the same, every 10 ms: the more often, the less")
m.now = m.now + 200 * MS
near(delay(often), 2 * d, "how often is forgotten by half every 200 ms")
local unseen = m:task()
for _ = 1, 20 do
	m.now = m.now + 100 * MS
	unseen.sum_exec_ns, unseen.nvcsw = unseen.sum_exec_ns + 10 * MS, unseen.nvcsw + 10
	d = delay(unseen)
end
near(unseen.data[0], 1 * MS, "bursts that were not seen count with their mean")
tap.ok(d < 2, "and with their number")

t = m:task { comm = "Xorg" }
expire(t, 50)
tap.is(expire(t, 50), 0, "a named thread is never put off")
ffi.copy(t.comm, mock.comm "Xnest", 16)
near(delay(t), 100, "until it has another name")
tap.is(expire(m:task { comm = "a name that is " }, 50), 0, "15 bytes of a name count")

-- Interrupts.
local hog, brief = m:task(), m:task()
expire(hog, 50)
wake(brief, 0.1, 10, 100)
m.cpus[0].task_pid, m.cpus[0].since_ns = hog.pid, m.now
m.cpus[1].task_pid, m.cpus[1].since_ns = brief.pid, m.now
wake(m:task { comm = "Xorg" }, 5, 100)
tap.is(m.decided[1].cpu .. " " .. m.decided[1].flags, "0 1", "a wakeup interrupts a hog")
wake(m:task { comm = "Xorg" }, 5, 100)
tap.is(m.decided[1].cpu .. " " .. m.decided[1].flags, "-1 0", "but not who is about as brief")

-- The property: a named thread that runs for longer than a slice, and a brief one, among hogs.
local game = { name = "game", comm = "game", run_ns = 11 * MS, period_ns = 16.6 * MS }
local _, game_ms = sound.latency(INTERACTIVE, game, { opt = { names = "game" } })
local _, fifo_ms = sound.latency(FIFO, game)
print(string.format("# named thread: 11 ms of work done in %.1f ms, p99, in a FIFO in %.1f ms",
	game_ms, fifo_ms))
tap.ok(game_ms < 16.6, "a named thread gets 11 ms of work done in every 16.6 ms")
tap.ok(fifo_ms > 33, "which a FIFO does not give it")
sound.sooner(INTERACTIVE, { name = "brief", run_ns = 0.3 * MS, sleep_ns = 7 * MS })

sound.check(INTERACTIVE)
tap.done()
