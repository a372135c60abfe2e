-- SPDX-License-Identifier: GPL-2.0-only
--
-- fair.lua - what every policy of weighted shares must do: `fair.check("stride", how)`.
--
-- The order of decisions is each policy's own test's business; here are the full ring, the full
-- queue, threads that end, junk in data[], a reload, and shares on the simulated machine.

local tap = require "tap"
local mock = require "mock"

local fair = {}

-- A mock with the policy loaded: options in `how.opt` for the policy, `o` for the mock.
local function load_policy(path, how, o)
	o = o or {}
	o.opt = how.opt
	local m = mock.new(o)
	m:load(path)
	return m
end

local function tasks(m, n)
	local list = {}
	for i = 1, n do
		list[i] = m:task { name = "t" .. i }
	end
	return list
end

local function full_ring(m)
	m:enqueue(unpack(tasks(m, 5)))
	m.accept = false
	tap.is(m:dispatch(8), 5, "the ring is full: all are still held")
	m.accept = 2
	tap.is(m:dispatch(8), 3, "there is room for two")
	m.accept = true
	tap.is(m:dispatch(2), 1, "dispatch() keeps to the room there is, and says what is left")
	tap.is(m:dispatch(8), 0, "and nothing is left in the end")
	tap.is(#m.decided, 5, "each task was decided once")
	tap.is(m.rejected + m.bad, 0, "no decision was wrong")
	tap.is(m:dispatch(8), 0, "with nothing held there is nothing to decide")
end

-- `cap` tasks fit.
local function full_queue(m, cap)
	local all = tasks(m, cap + 2)
	for _, task in ipairs(all) do
		m:enqueue(task)
	end
	tap.is(m:order(), string.format("t%d t%d", cap + 1, cap + 2), "tasks that do not fit go at once")
	tap.is(m:dispatch(1), cap - 1, "and are not counted as held")
end

local function exits(m)
	local all = tasks(m, 4)
	m:enqueue(unpack(all))
	m:exit(all[1])
	m:exit(all[3])
	tap.is(m:dispatch(1), 1, "tasks that ended are not held")
	m:dispatch(8)
	local order = m:order()
	tap.ok(order == "t2 t4" or order == "t4 t2", "nor decided: " .. order)
	-- Offered again after it aged out in the policy's hands.
	m:enqueue(all[2])
	m:enqueue(all[2])
	tap.is(m:dispatch(8), 0, "a task that is offered again is held once")
	tap.is(m:order(), "t2", "and decided once")
end

local values = { 0 / 0, 1 / 0, -1 / 0, 1e300, -1e300, -1, 0.5, 3, 1e12, 2 ^ 63 }

-- Every pair of values in data[0] and data[1], each value in data[2] and data[3], and payload.
local function junk(m)
	local clean = m:spawn { name = "clean" }
	m:run(1e9)
	local all = {}
	for i, v in ipairs(values) do
		for k, w in ipairs(values) do
			all[#all + 1] = m:spawn { data = { [0] = v, w, values[(i + k) % #values + 1], v },
				payload = i * k, cgroup_id = 1 + k % 3, sum_exec_ns = 1e9 * k, run_ns = 1e6,
				sleep_ns = 20e6 * i }
		end
	end
	m:run(5e9)
	local never, longest = 0, 0
	for _, task in ipairs(all) do
		never = never + (m.sim[task].nr_runs == 0 and 1 or 0)
		longest = math.max(longest, m.sim[task].max_wait_ns)
	end
	tap.is(m.bad, 0, "junk in data[]: no decision has an impossible number")
	tap.is(never, 0, "and every task runs")
	tap.ok(clean.sum_exec_ns > 1.5e9, string.format("beside a hog that gets %.1f s of 5 s on 2 CPUs",
		clean.sum_exec_ns / 1e9 - 1))
	tap.ok(longest < 1e9, string.format("nobody waits longer than %.0f ms", longest / 1e6))
end

local function reload(m, path)
	m:enqueue(unpack(tasks(m, 2)))
	m:dispatch(2)
	local held = tasks(m, 3)
	m:enqueue(unpack(held))
	m.now = m.now + 5e9
	m:order()
	m:reload(path, held)
	tap.is(m:dispatch(8), 0, "a reload loses no task")
	tap.is(#m.decided, 3, "and decides each once")
	local before = m.policy.export()
	m.policy.import({})
	local after = m.policy.export()
	local same = true
	for key, value in pairs(before) do
		same = same and (type(value) == "table" or after[key] == value)
	end
	tap.ok(same, "state of another policy is ignored")
end

--- Lets hogs of weights 100, 200 and 400 run, and compares what they got with what is fair.
-- @param m a mock with a policy loaded
-- @param how nr (number of hogs), warm_ns (before it counts), run_ns, within (greatest relative
--   error)
-- @param what of the message
function fair.shares(m, how, what)
	local hogs, total = {}, 0
	for i = 1, how.nr do
		hogs[i] = m:spawn { name = "hog" .. i, weight = 100 * 2 ^ ((i - 1) % 3) }
		total = total + hogs[i].weight
	end
	m:run(how.warm_ns)
	m:mark()
	m:run(how.run_ns)
	local worst = 0
	for i, share in ipairs(m:shares(hogs)) do
		worst = math.max(worst, math.abs(share * total / hogs[i].weight - 1))
	end
	tap.ok(worst < how.within, string.format("%s: shares by weight within %.1f %% (at most %.0f %%)",
		what, worst * 100, how.within * 100))
	tap.is(m.bad + m.rejected + m.bad_held, 0, what .. ": no decision and no count was wrong")
	return hogs
end

-- Two hogs on one CPU: there is room for both in the kernel, so that each is decided at once, and
-- what orders them is the vtime that they are given.
local function pair(fresh, how)
	for _, weight in ipairs { 33, 1 } do
		local m = fresh { nr_cpus = 1 }
		local hogs = { m:spawn { name = "heavy" }, m:spawn { name = "light", weight = weight } }
		m:run(2e9)
		m:mark()
		m:run(how.run_ns or 20e9)
		local got, want = m:shares(hogs)[2], weight / (100 + weight)
		tap.ok(math.abs(got / want - 1) < (how.pair or how.within), string.format(
			"two hogs, weights 100 and %d: the light one gets %.1f %%, %.1f is fair", weight,
			got * 100, want * 100))
	end
end

-- Sleepers beside enough hogs to keep the CPUs busy: they get nearly all they ask for.
local function sleepers(m, how)
	local list = {}
	for i = 1, 6 do
		m:spawn { name = "hog" .. i }
		list[i] = m:spawn { name = "sleeper" .. i, run_ns = 1e6, sleep_ns = 99e6 }
	end
	m:run(20e9)
	local got, wait_ns, runs = 0, 0, 0
	for _, task in ipairs(list) do
		got = got + task.sum_exec_ns
		wait_ns, runs = wait_ns + m.sim[task].wait_ns, runs + m.sim[task].nr_runs
	end
	local mean_ms = wait_ns / runs / 1e6
	tap.ok(mean_ms < how.wait_ms, string.format(
		"sleepers wait %.1f ms on average (at most %g)", mean_ms, how.wait_ms))
	tap.ok(got / (6 * 0.2e9) > how.got, string.format("and get %.0f %% of what they would like",
		got / (6 * 0.2e9) * 100))
end

--- All of the above, for policies/NAME.lua.
-- @param name of the policy
-- @param how opt (the policy's options), within (error of the shares), warm_ns and run_ns (default
--   2 s, 20 s); pair (error of the shares of two hogs, default: within; false: not measured);
--   wait_ms, got (of sleepers: mean wait, part of the CPU time they would like);
--   cap (tasks that its queue holds; default: max_tasks)
function fair.check(name, how)
	local path = "policies/" .. name .. ".lua"
	local function fresh(o)
		local m = load_policy(path, how, o)
		return m
	end
	full_ring(fresh())
	full_queue(fresh { max_tasks = 8 }, how.cap or 8)
	exits(fresh())
	junk(fresh())
	reload(fresh(), path)
	local run = { nr = 12, warm_ns = how.warm_ns or 2e9, run_ns = how.run_ns or 20e9,
		within = how.within }
	fair.shares(fresh { builtin_idle = true }, run, "builtin_idle on")
	fair.shares(fresh { builtin_idle = false }, run, "builtin_idle off")
	fair.shares(fresh { nr_cpus = 1 }, run, "one CPU")
	if how.pair ~= false then
		pair(fresh, how)
	end
	sleepers(fresh(), how)
end

return fair
