-- SPDX-License-Identifier: GPL-2.0-only
--
-- lottery.lua - a lottery for each slice: a task has as many tickets as its weight.
--
-- The chance to be next is a task's part of all tickets (C. A. Waldspurger and W. E. Weihl,
-- Lottery Scheduling, OSDI 1994). Nobody draws a ticket here: each task draws the time until one
-- of its tickets comes up, exponential with a mean of 1 / tickets, and the earliest wins. That is
-- the same lottery, because what is left of such a time is as long as a new one, but it costs a
-- heap's O(log n) and no memory (P. S. Efraimidis and P. G. Spirakis, Weighted random sampling
-- with a reservoir, 2006). A task that ran goes on from its last win, so that it does not lose the
-- draws made meanwhile; one that slept takes part from now on. Who used a part f of the slice
-- waits f times as long: 1 / f times the tickets, the paper's compensation.
-- Units: keys are in turns of a task with one ticket. data[0] is the key of the last win. seed: the
-- same seed and the same tasks give the same order. A bad choice where latency counts: anybody
-- can lose many times in a row.

local scx = require "scx"
local bit = require "bit"

local dispatch, opt, band, log = scx.dispatch, scx.opt, bit.band, math.log
local CPU_ANY, JOINS = scx.CPU_ANY, scx.WAKEUP + scx.NEW
local MOST_TURNS = 20 -- mean times of one ticket: no win is as far away
local KEY_TO_VTIME = 2 ^ 32
local LEAST_PART = 0.01 -- of a slice: nobody has more than 100 times its tickets

local queue = scx.heap()
local drawn = 1 -- key of the last winner that has run
local rng

-- The time of a task's next win.
local function draw(task, slice_ns)
	local last, weight = task.data[0], task.weight
	if last > drawn and last < drawn + MOST_TURNS and task.stop_ns > task.start_ns then
		drawn = last -- it has run: the draws up to its win are over
	end
	-- Ten mean times ago: not a win in this lottery, or of a task with more tickets than it can use.
	if band(task.flags, JOINS) ~= 0 or not (last >= drawn - 10 / weight and last <= drawn) then
		last = drawn
	end
	local part = (task.stop_ns - task.start_ns) / slice_ns
	if task.stop_ns == 0 or part > 1 then
		part = 1
	elseif part < LEAST_PART then
		part = LEAST_PART
	end
	return last - log(1 - rng:uniform()) / weight * part
end

local function enqueue(tasks, n)
	local slice_ns = opt.slice_us * 1000
	for i = 0, n - 1 do
		local task = tasks[i]
		if not queue:push(task, draw(task, slice_ns)) then
			dispatch(task, CPU_ANY, slice_ns, drawn * KEY_TO_VTIME)
		end
	end
end

local function dispatch_some(room)
	local slice_ns = opt.slice_us * 1000
	for _ = 1, room do
		local task = queue:peek()
		local key = queue:key()
		if task == nil or not dispatch(task, CPU_ANY, slice_ns, key * KEY_TO_VTIME) then
			break
		end
		queue:pop()
		task.data[0] = key
	end
	return queue:len()
end

return {
	name = "lottery",
	options = {
		slice_us = { 5000, "time slice, microseconds", 100, 100000 },
		seed = { 1, "seed of the random numbers; read at load", 0, 2 ^ 32 - 1 },
	},
	init = function()
		rng = scx.random(opt.seed)
	end,
	enqueue = enqueue,
	dispatch = dispatch_some,
	export = function()
		return { rng = rng.state, drawn = drawn }
	end,
	import = function(state)
		rng.state, drawn = tonumber(state.rng) or rng.state, tonumber(state.drawn) or drawn
	end,
}
