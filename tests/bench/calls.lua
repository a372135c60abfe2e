-- SPDX-License-Identifier: GPL-2.0-only
--
-- calls.lua - what a policy's calls cost: a policy that measures instead of scheduling.
--
--   build/scxlua check -o cases=plain tests/bench/calls.lua    (or call, queue, cold)
--
-- Each case is one thing done once per task of a batch, again and again for about 50 ms; printed is
-- the fastest of RUNS such times, less the bare loop, in nanoseconds. On made-up tasks, with
-- everything in the caches: the least it can cost. `check` itself complains afterwards, about what
-- the cold cases allocate.

local scx = require "scx"
local ffi = require "ffi"

-- The clock of `check` is made up.
ffi.cdef [[
struct calls_timespec { long s, ns; };
int clock_gettime(int clock, struct calls_timespec *to);
]]
local time = ffi.new("struct calls_timespec")

local function now()
	ffi.C.clock_gettime(1, time)
	return tonumber(time.s) * 1e9 + tonumber(time.ns)
end

local dispatch, opt, cpus = scx.dispatch, scx.opt, scx.cpus
local format = string.format

local RUNS = 5
local LEAST_NS = 10e6 -- one run lasts as long at least ...
local COLD_ROUNDS = 32 -- ... but what allocates: nothing is collected before the hook returns
local QUIET_NS = 150e6 -- between two lines, of which scx.log lets ten through per second
local BATCHES_BEFORE = 400 -- the runtime warms the compiler up with these

local fifo, heap = scx.fifo(), scx.heap()
local percpu = scx.percpu("heap", 1024)
local ring = scx.ring(64)
local clock = scx.vclock()
local rng = scx.random(1)
local nr_cpus = scx.nr_cpus
-- What is computed must go somewhere, or the compiler leaves it out.
local keep, kept = 0, {}

local cases = {}

local function case(group, name, fn)
	cases[#cases + 1] = { group = group, name = name, fn = fn }
end

case("all", "the loop", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid
	end
end)

-- ---- plain: Lua on memory ----

case("plain", "task.exec_ns", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + tasks[i].exec_ns
	end
end)

case("plain", "task.data[0] = task.data[0] + 1", function(tasks, n)
	for i = 0, n - 1 do
		local data = tasks[i].data
		data[0] = data[0] + 1
		keep = keep + tasks[i].pid
	end
end)

case("plain", "opt.cases", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + #opt.cases
	end
end)

case("plain", "scx.slice_us", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + scx.slice_us
	end
end)

case("plain", "scx.cpus[i].idle", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + cpus[i % nr_cpus].idle
	end
end)

case("plain", "tonumber(scx.cpus[i].since_ns)", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + tonumber(cpus[i % nr_cpus].since_ns)
	end
end)

case("plain", "scx.ewma", function(tasks, n)
	for i = 0, n - 1 do
		keep = scx.ewma(keep, tasks[i].pid, 4)
	end
end)

case("plain", "scx.decay", function(tasks, n)
	for i = 0, n - 1 do
		keep = scx.decay(keep, tasks[i].pid, 1e6)
	end
end)

case("plain", "ring:next", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + ring:next()
	end
end)

case("plain", "clock:charge", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + clock:charge(tasks[i], tasks[i].weight, 5e6)
	end
end)

case("plain", "rng:below", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + rng:below(tasks[i].pid)
	end
end)

-- ---- call: one C function ----

case("call", "the clock, as scx.now reads it", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + now()
	end
end)

case("call", "scx.nr_held", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + scx.nr_held()
	end
end)

case("call", "scx.nr_queued", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + scx.nr_queued()
	end
end)

case("call", "scx.allowed", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + (scx.allowed(tasks[i], 0) and 1 or 0)
	end
end)

case("call", "scx.pick_idle", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + (scx.pick_idle(tasks[i]) or 0)
	end
end)

case("call", "ffi.string(task.comm), a string", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + #ffi.string(tasks[i].comm)
	end
end)

-- ---- queue: push and pop, of a queue that has the whole batch ----

local function push_pop(queue, tasks, n)
	for i = 0, n - 1 do
		queue:push(tasks[i], (i * 7919) % n)
	end
	for _ = 1, n do
		keep = keep + queue:pop().pid
	end
end

local function heap_of(length)
	return function(tasks, n)
		for first = 0, n - length, length do
			for i = first, first + length - 1 do
				heap:push(tasks[i], (i * 7919) % n)
			end
			for _ = 1, length do
				keep = keep + heap:pop().pid
			end
		end
	end
end

case("queue", "fifo:push + fifo:pop", function(tasks, n)
	push_pop(fifo, tasks, n)
end)
case("queue", "heap:push + heap:pop, 8 in it", heap_of(8))
case("queue", "heap:push + heap:pop, 64 in it", heap_of(64))
case("queue", "heap:push + heap:pop, 512 in it", function(tasks, n)
	push_pop(heap, tasks, n)
end)
case("queue", "percpu:push + percpu:pop, heaps", function(tasks, n)
	for i = 0, n - 1 do
		percpu:push(i % nr_cpus, tasks[i], i)
	end
	for i = 0, n - 1 do
		keep = keep + percpu:pop(i % nr_cpus).pid
	end
end)

-- ---- cold: what hot code must not do ----

case("cold", "{ task.pid }, a table", function(tasks, n)
	for i = 0, n - 1 do
		kept[1] = { tasks[i].pid }
		keep = keep + tasks[i].pid
	end
end)

case("cold", "scx.cpus[i].since_ns kept, a boxed number", function(tasks, n)
	for i = 0, n - 1 do
		kept[1] = cpus[i % nr_cpus].since_ns
		keep = keep + tasks[i].pid
	end
end)

case("cold", "function() end, a closure", function(tasks, n)
	for i = 0, n - 1 do
		kept[1] = function() return i end
		keep = keep + tasks[i].pid
	end
end)

case("cold", "tasks[i].pid .. \"\", a string", function(tasks, n)
	for i = 0, n - 1 do
		kept[1] = tasks[i].pid .. ""
		keep = keep + tasks[i].pid
	end
end)

case("cold", "string.format", function(tasks, n)
	for i = 0, n - 1 do
		kept[1] = format("%d of %d", tasks[i].pid, i)
		keep = keep + tasks[i].pid
	end
end)

case("cold", "pcall of a function", function(tasks, n)
	for i = 0, n - 1 do
		local _, a = pcall(math.abs, i)
		keep = keep + tasks[i].pid + a
	end
end)

local text = "abc"
case("cold", "text:match(\"b\")", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + #text:match("b")
	end
end)

local step = coroutine.wrap(function()
	while true do
		coroutine.yield(1)
	end
end)
case("cold", "a coroutine resumed", function(tasks, n)
	for i = 0, n - 1 do
		keep = keep + tasks[i].pid + step()
	end
end)

local small = { a = 1, b = 2, c = 3, d = 4 }
case("cold", "pairs over 4 keys", function(tasks, n)
	for i = 0, n - 1 do
		for _, value in pairs(small) do
			keep = keep + value
		end
		keep = keep + tasks[i].pid
	end
end)

-- ---- measuring ----

-- How many rounds a run has.
local function calibrate(fn, tasks, n)
	local rounds = 1
	repeat
		rounds = rounds * 2
		local begin = now()
		for _ = 1, rounds do
			fn(tasks, n)
		end
		local took = now() - begin
	until took > LEAST_NS
	return rounds
end

-- Nanoseconds per task of the fastest run.
local function measure(fn, tasks, n, is_cold)
	local rounds, fastest = is_cold and COLD_ROUNDS or calibrate(fn, tasks, n), math.huge
	for _ = 1, RUNS do
		local begin = now()
		for _ = 1, rounds do
			fn(tasks, n)
		end
		local took = (now() - begin) / rounds / n
		fastest = took < fastest and took or fastest
	end
	return fastest
end

local batches, at, loop_ns = 0, 0, 0
local lines, log_ns = 0, math.huge

-- One line of the result, which is timed too.
local function say(ns, name)
	local until_ns = now() + QUIET_NS
	while now() < until_ns do
		keep = keep + 1
	end
	local begin = now()
	scx.log("%7.1f ns  %s", ns, name)
	log_ns = math.min(log_ns, now() - begin)
	lines = lines + 1
end

-- One case per large batch, once the compiler is warm.
local function measure_next(tasks, n)
	batches = batches + 1
	if batches < BATCHES_BEFORE or n < 512 or at == #cases then
		return
	end
	repeat
		at = at + 1
	until at == #cases or cases[at].group == opt.cases or cases[at].group == "all"
	local chosen = cases[at]
	if chosen.group == "all" then
		loop_ns = measure(chosen.fn, tasks, n)
		say(loop_ns, "the bare loop")
	elseif chosen.group == opt.cases then
		local ns = measure(chosen.fn, tasks, n, chosen.group == "cold")
		say(ns - loop_ns, chosen.name)
	end
	if at == #cases and lines > 0 then
		say(log_ns, "scx.log, a line that is written")
	end
end

for i = 0, 63 do
	ring:add(i)
end

return {
	name = "calls",
	stats = function(t)
		t.keep, t.kept = keep, #kept
	end,
	options = { cases = { "plain", "which cases: plain, call, queue, cold" } },
	enqueue = function(tasks, n)
		measure_next(tasks, n)
		for i = 0, n - 1 do
			dispatch(tasks[i])
		end
	end,
}
