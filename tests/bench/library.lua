-- SPDX-License-Identifier: GPL-2.0-only
--
-- library.lua - what the objects of lua/scx/ cost: nanoseconds per operation, as a policy calls
-- them, beside the C function behind them called through FFI.
--
--   luajit tests/bench/library.lua ABI_CDEF_H LIBQUEUE_SO        (make bench-library)
--
-- Each line is the least of 7 runs of some milliseconds: other processes only ever add. "per push
-- and pop" of n tasks: n are pushed, then n popped. A new module adds its lines at the end.

local ffi = require "ffi"

local cdef_path, queue_path = arg[1], arg[2]
if not queue_path then
	io.stderr:write("usage: library.lua ABI_CDEF_H LIBQUEUE_SO\n")
	os.exit(2)
end

local file = assert(io.open(cdef_path))
ffi.cdef(file:read "*a")
file:close()
local C = ffi.load(queue_path, true) -- global: lua/scx/queue.lua looks in ffi.C
package.path = "lua/?.lua;" .. package.path

local queue = require "scx.queue"
local vclock = require "scx.vclock"
local random = require "scx.random"

local RUNS, OPERATIONS = 7, 2e5
local MAX_TASKS = 4096

local tasks = ffi.new("struct scx_task[?]", MAX_TASKS)
local keys = ffi.new("double[?]", MAX_TASKS)
local rng = random.random(1)

-- Fields that are const to a policy are set through another pointer, as the runtime does.
local function field(i, name, ctype)
	local at = ffi.cast("char *", tasks + i) + ffi.offsetof("struct scx_task", name)
	return ffi.cast(ctype .. " *", at)
end

for i = 0, MAX_TASKS - 1 do
	field(i, "weight", "uint32_t")[0] = 100
	keys[i] = rng:below(1e9)
end

--- Times body(n), which does n operations; the least nanoseconds per operation.
local function measure(body, n)
	local rounds = math.ceil(OPERATIONS / n)
	local best = math.huge
	for _ = 1, RUNS do
		local begin = os.clock()
		for _ = 1, rounds do
			body(n)
		end
		best = math.min(best, (os.clock() - begin) * 1e9 / (rounds * n))
	end
	return best
end

local function row(name, lua, c, n)
	n = n or 1024
	print(string.format("%-44s %8.1f %8s", name, measure(lua, n),
		c and string.format("%.1f", measure(c, n)) or "-"))
end

print(string.format("%-44s %8s %8s", "ns per operation", "Lua", "C by FFI"))

local heap, c_heap = queue.heap(MAX_TASKS), C.scx_heap_new(MAX_TASKS)
local fifo, c_fifo = queue.fifo(MAX_TASKS), C.scx_fifo_new(MAX_TASKS)

local function heap_lua(n)
	for i = 0, n - 1 do
		heap:push(tasks + i, keys[i])
	end
	for _ = 1, n do
		heap:pop()
	end
end

local function heap_c(n)
	for i = 0, n - 1 do
		C.scx_heap_push(c_heap, tasks + i, keys[i])
	end
	for _ = 1, n do
		C.scx_heap_pop(c_heap)
	end
end

local function fifo_lua(n)
	for i = 0, n - 1 do
		fifo:push(tasks + i)
	end
	for _ = 1, n do
		fifo:pop()
	end
end

local function fifo_c(n)
	for i = 0, n - 1 do
		C.scx_fifo_push(c_fifo, tasks + i)
	end
	for _ = 1, n do
		C.scx_fifo_pop(c_fifo)
	end
end

for _, n in ipairs { 8, 64, 512, 4096 } do
	row(string.format("heap: push and pop, %d tasks", n), heap_lua, heap_c, n)
end
for _, n in ipairs { 8, 4096 } do
	row(string.format("fifo: push and pop, %d tasks", n), fifo_lua, fifo_c, n)
end

local clock = vclock.vclock(1e12)
local used = field(0, "sum_exec_ns", "double")

row("vclock: charge and advance", function(n)
	local task = tasks + 0
	for _ = 1, n do
		used[0] = used[0] + 1e6
		clock:advance(clock:charge(task, task.weight, 5e6))
	end
end)

local sum = 0
row("random: uniform", function(n)
	for _ = 1, n do
		sum = sum + rng:uniform()
	end
end)
row("random: below", function(n)
	for _ = 1, n do
		sum = sum + rng:below(100)
	end
end)
row("(math.random(), for comparison)", function(n)
	for _ = 1, n do
		sum = sum + math.random()
	end
end)

assert(sum > 0 and heap:len() == 0 and fifo:len() == 0)
C.scx_queue_free(c_heap)
C.scx_queue_free(c_fifo)
