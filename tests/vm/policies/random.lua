-- SPDX-License-Identifier: GPL-2.0-only
--
-- random.lua - a policy drawn from a seed: it drops, doubles, delays and spoils decisions.
--
-- Each fault has a rate of 0 to 20 percent of the tasks (of calls for errors: 0 to 2); each second
-- one is 0. The same seed gives the same rates. `scxlua set seed=N` makes another policy of it.

local scx = require "scx"

local dispatch, opt, CPU_ANY = scx.dispatch, scx.opt, scx.CPU_ANY
local BAD_NUMBERS = { -1, -1e300, 0 / 0, 1 / 0, 1e300, 0.5, 2 ^ 63, 2 ^ 31 }
local KINDS = {
	"drop", "twice", "delay", "churn", "bad_cpu", "bad_slice", "bad_vtime", "far_vtime",
}

local seed, rng
local rate = {}
local queue, later = scx.fifo(), scx.heap()

local function draw()
	seed = opt.seed
	rng = scx.random(seed)
	for i = 1, #KINDS do
		rate[KINDS[i]] = rng:below(2) * rng:uniform() * 0.2
	end
	rate.error = rng:below(2) * rng:uniform() * 0.02
end

local function hits(kind) return rng:uniform() < rate[kind] end
local function bad_number() return BAD_NUMBERS[1 + rng:below(#BAD_NUMBERS)] end

local function send(task)
	local cpu, slice_ns, vtime = CPU_ANY, 1e5 + rng:uniform() * 1e7, nil
	if hits "bad_cpu" then
		cpu = rng:below(2) == 0 and bad_number() or scx.nr_cpus
	end
	if hits "bad_slice" then
		slice_ns = bad_number()
	end
	if hits "bad_vtime" then
		vtime = bad_number()
	elseif hits "far_vtime" then
		vtime = scx.now() + rng:uniform() * 1e15
	end
	local sent = dispatch(task, cpu, slice_ns, vtime, rng:below(4))
	if hits "twice" then
		dispatch(task)
	end
	return sent
end

local function take(task, now)
	if hits "drop" then
		return
	end
	if hits "delay" then
		later:push(task, now + rng:uniform() * 5e7)
		return
	end
	queue:push(task)
	if hits "churn" then
		queue:remove(task)
		later:push(task, now)
	end
end

local function enqueue(tasks, n)
	if seed ~= opt.seed then
		draw()
	end
	if hits "error" then
		error("drawn")
	end
	local now = scx.now()
	for i = 0, n - 1 do
		take(tasks[i], now)
	end
end

local function dispatch_some(room)
	local now = scx.now()
	for _ = 1, room do
		local from = later:peek() and later:key() <= now and later or queue
		local task = from:peek()
		if not task or not send(task) then
			break
		end
		from:pop()
	end
	return queue:len() + later:len()
end

return {
	name = "random",
	options = { seed = { 1, "which policy this is", 0, 2 ^ 31 } },
	builtin_idle = false,
	init = draw,
	enqueue = enqueue,
	dispatch = dispatch_some,
	tick_ms = 5,
	tick = function() end, -- so that a delay ends though nothing happens
}
