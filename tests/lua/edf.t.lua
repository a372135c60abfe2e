-- SPDX-License-Identifier: GPL-2.0-only
-- policies/edf.lua: whose period is whose, deadlines, and that they are met.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local ffi = require "ffi"
local mock = require "mock"
local sound = require "sound"

local MS = 1e6
local EDF, FIFO = "policies/edf.lua", "policies/fifo.lua"
local WAKEUP, NEW, PREEMPTED, EXPIRED = 1, 2, 4, 8

local m

local function load(periods, default_us)
	m = mock.new { opt = { periods = periods, default_us = default_us or 200000 } }
	m:load(EDF)
	m.cpus[0].idle, m.cpus[1].idle = 0, 0
end

-- The decision; its deadline in ms from now.
local function enqueue(task, flags)
	task.flags = flags or WAKEUP
	m.decided = {}
	m:enqueue(task)
	return (m.decided[1].vtime - m.now) / MS
end

-- The same for the next job of the task.
local function job(task)
	task.nvcsw = task.nvcsw + 1
	return enqueue(task, WAKEUP)
end

load "audio=5000, video = 16667,cgroup:1234=10000,a very long thread name=7000"
tap.is(job(m:task { comm = "audio" }), 5, "a period by name")
tap.is(job(m:task { comm = "video" }), 16.667, "another one")
tap.is(job(m:task { comm = "other", cgroup_id = 1234 }), 10, "by cgroup")
tap.is(job(m:task { comm = "audio", cgroup_id = 1234 }), 5, "the name comes first")
tap.is(job(m:task { comm = "a very long thr" }), 7, "15 bytes of a name count")
tap.is(job(m:task { comm = "audio2" }), 200, "all others: default_us")

local t = m:task { comm = "audio" }
tap.is(job(t), 5, "a job's deadline")
m.now = m.now + 2 * MS
tap.is(enqueue(t, EXPIRED), 3, "stays where it is when a slice is over")
tap.is(enqueue(t, PREEMPTED), 3, "or the job is interrupted")
m.now = m.now + 4 * MS
tap.is(enqueue(t, EXPIRED), 5, "a late job gets a new one, a period on")
m.now = m.now + 1 * MS
tap.is(job(t), 5, "the next job begins when it wakes up")
ffi.copy(t.comm, mock.comm "video", 16)
tap.is(job(t), 16.667, "a thread that renamed itself has the new name's period")
ffi.copy(t.comm, mock.comm "nobody", 16)
tap.is(job(t), 200, "or none")

t = m:task { comm = "audio" }
tap.is(enqueue(t, NEW), 5, "a new thread's first job")
t.nvcsw, t.start_ns = 3, m.now - 1 * MS
tap.is(enqueue(t, EXPIRED), 4, "a job that found an idle CPU began when it got it")
m:reload(EDF)
m.now = m.now + 1 * MS
tap.is(enqueue(t, EXPIRED), 3, "a reload changes no deadline")

t = m:task { comm = "hog" }
tap.is(enqueue(t, EXPIRED), 200, "others are due default_us after they began to wait")
m.now = m.now + 50 * MS
tap.is(enqueue(t, EXPIRED), 200, "each time")
tap.is(m.decided[1].slice_ns, 3 * MS, "the slice")

for _, bad in ipairs { "audio", "audio=", "=5000", "audio=5ms", "audio=99", "audio=20000000",
		"audio=5000,video" } do
	local machine = mock.new { opt = { periods = bad } }
	tap.raises("periods: expected NAME=US or cgroup:ID=US", "refuses " .. bad, machine.load,
		machine, EDF)
end

-- Where: an idle CPU, else instead of the latest deadline.
load("audio=5000,video=16667", 200000)
local hog, video = m:task { comm = "hog", cpu = 0 }, m:task { comm = "video", cpu = 1 }
enqueue(hog, EXPIRED)
job(video)
m.cpus[0].task_pid, m.cpus[0].since_ns = hog.pid, m.now
m.cpus[1].task_pid, m.cpus[1].since_ns = video.pid, m.now
job(m:task { comm = "audio", cpu = 1 })
tap.is(m.decided[1].cpu .. " " .. m.decided[1].flags, "0 1", "interrupts the latest deadline")
job(m:task { comm = "audio", cpu = 1 })
tap.is(m.decided[1].cpu .. " " .. m.decided[1].flags, "1 1", "then the next latest")
m.cpus[0].since_ns, m.cpus[1].since_ns = m.now + 1, m.now + 1
job(m:task { comm = "other" })
tap.is(m.decided[1].cpu .. " " .. m.decided[1].flags, "-1 0", "nobody who is due earlier or then")
m.cpus[1].idle, m.cpus[1].task_pid = 1, 0
job(m:task { comm = "audio", cpu = 0 })
tap.is(m.decided[1].cpu .. " " .. m.decided[1].flags, "1 2", "an idle CPU, if it still is")

-- The property: four periodic threads with 80 % of one CPU, and a hog that takes the rest.
local function missed(path)
	local periods = "p10=10000,p20=20000,p40=40000,p80=80000"
	local machine = mock.new { nr_cpus = 1, opt = path == EDF and { periods = periods } or {} }
	machine:load(path)
	for _, ms in ipairs { 10, 20, 40, 80 } do
		machine:spawn { name = "p" .. ms, comm = "p" .. ms, run_ns = 0.2 * ms * MS,
			period_ns = ms * MS }
	end
	machine:spawn { name = "hog", comm = "hog" }
	machine:run(20e9)
	local late, nr = 0, 0
	for task, sim in pairs(machine.sim) do
		for _, ns in ipairs(sim.responses) do
			nr = nr + 1
			late = late + (ns > sim.period_ns + 1 and 1 or 0)
		end
		if task.comm[0] ~= ("h"):byte() then
			tap.ok(#sim.responses >= 20e9 / sim.period_ns * 0.3, "jobs are done: " .. task.name)
		end
	end
	return late, nr
end
local edf_late, edf_nr = missed(EDF)
local fifo_late, fifo_nr = missed(FIFO)
print(string.format("# %d of %d deadlines missed, in a FIFO %d of %d", edf_late, edf_nr, fifo_late,
	fifo_nr))
tap.is(edf_late, 0, "every deadline is met at 80 % of a CPU")
tap.ok(fifo_late > fifo_nr / 4, "a FIFO misses a quarter of them and more")

sound.check(EDF)
tap.done()
