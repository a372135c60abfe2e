-- SPDX-License-Identifier: GPL-2.0-only
--
-- misdeeds.lua - a FIFO that does as it should for three seconds after its start, and then, at
-- every call of enqueue() before it decides, what -o misdeed=NAME says. For the fault corpus.

local scx = require "scx"
local ffi = require "ffi"

local dispatch, opt = scx.dispatch, scx.opt
local begin = 0
local calls = 0
local kept = {}
local queue = scx.fifo()

local misdeeds = {}

function misdeeds.none() end

-- Errors.
function misdeeds.error_sometimes()
	if calls % 50 == 0 then
		error("one of many")
	end
end
function misdeeds.error_always() error("always") end
function misdeeds.error_nil() error(nil) end
function misdeeds.error_table() error({ "x" }) end
function misdeeds.error_tostring()
	error(setmetatable({}, { __tostring = function() error("in __tostring") end }))
end
function misdeeds.recursion()
	local function deeper(x) return 1 + deeper(x + 1) end
	deeper(1)
end
function misdeeds.recursion_c()
	local function deeper(s) return (s:gsub(".", deeper)) end
	deeper("x")
end

-- Loops. The first is compiled; one that makes closures is not.
function misdeeds.loop() while true do end end
function misdeeds.loop_interpreted()
	while true do
		kept[1] = function() end
	end
end
function misdeeds.loop_pcall()
	while true do
		pcall(error, "x")
	end
end
function misdeeds.loop_coroutine() coroutine.wrap(function() while true do end end)() end
function misdeeds.loop_index()
	local t = setmetatable({}, { __index = function() while true do end end })
	return t.x
end
function misdeeds.loop_sort()
	table.sort({ 3, 2, 1 }, function() while true do end end)
end
function misdeeds.loop_gsub()
	local _ = ("x"):gsub("x", function() while true do end end)
end
function misdeeds.loop_pattern()
	local _ = ("a"):rep(4000):find((".-"):rep(30) .. "b")
end

-- Memory.
function misdeeds.bomb()
	while true do
		kept[#kept + 1] = { calls }
	end
end
function misdeeds.bomb_string() kept[#kept + 1] = ("x"):rep(2 ^ 30) end
function misdeeds.bomb_concat()
	local parts = {}
	for i = 1, 1e9 do
		parts[i] = "xxxxxxxxxxxxxxxx"
	end
	kept[#kept + 1] = table.concat(parts)
end
function misdeeds.leak() kept[#kept + 1] = ("%d"):format(calls):rep(20000) end

-- Decisions.
local odd = { 0 / 0, 1 / 0, -1 / 0, -5, 1e300, 1.5, 2 ^ 63, -0.0, 4096, 2 ^ 32 }
function misdeeds.odd_numbers(tasks, n)
	for i = 0, n - 1 do
		local x = odd[1 + (calls + i) % #odd]
		dispatch(tasks[i], x, x, x, 0xffffffff)
	end
end
function misdeeds.odd_types(tasks)
	local things = { "x", {}, true, function() end }
	dispatch(tasks[0], things[1 + calls % #things])
end
function misdeeds.twice(tasks, n)
	for i = 0, n - 1 do
		dispatch(tasks[i])
		dispatch(tasks[i])
	end
end
function misdeeds.not_queued(tasks)
	dispatch(tasks[0])
	for _ = 1, 5 do
		kept[#kept % 64 + 1] = tasks[0]
		dispatch(kept[1 + calls % #kept])
	end
end
function misdeeds.forged(tasks, n)
	dispatch(ffi.cast("struct scx_task *", ffi.cast("char *", tasks[0]) + 8))
	dispatch(ffi.cast("struct scx_task *", 4096))
	dispatch(ffi.cast("struct scx_task *", 0))
	return n
end
function misdeeds.past_the_end(tasks, n)
	dispatch(tasks[n])
	dispatch(tasks[511])
	dispatch(tasks[-1])
end
function misdeeds.read_only(tasks) tasks[0].pid = 1 end
function misdeeds.wild_pointer() ffi.cast("int *", 16)[0] = 1 end
function misdeeds.scribble(tasks)
	ffi.fill(ffi.cast("char *", tasks[0]) - 64, 4096, 0xff)
end

-- What a policy may not do, through FFI.
ffi.cdef [[
int open(const char *path, int flags, ...);
int socket(int domain, int type, int protocol);
int fork(void);
]]
function misdeeds.open() return ffi.C.open("/etc/shadow", 0) end
function misdeeds.socket() return ffi.C.socket(2, 1, 0) end
function misdeeds.fork() return ffi.C.fork() end

-- What it may not write, and can: the engine's own words, as in runtime/engine_state.h and ring.h.
ffi.cdef [[
struct bad_uring {
	const uint64_t *consumer_pos;
	uint64_t *producer_pos, *data, mask, pos;
};
struct bad_engine {
	uint64_t cfg[4], slices[2];
	void *cpus;
	uint64_t nr_cpus;
	uint32_t *control;
	void *in;
	struct bad_uring *out;
	void *table, *stats, *policy;
	struct { uint64_t batch; uint32_t in_hook; } *progress;
};
extern struct bad_engine *engine_running;
]]
function misdeeds.loop_in_silence()
	ffi.C.engine_running.progress.in_hook = 0
	while true do end
end
-- A ring full of samples to skip, and no end of it.
function misdeeds.forged_ring()
	local out = ffi.C.engine_running.out
	for i = 0, tonumber(out.mask) / 8 do
		out.data[i] = 0x40000000
	end
	out.pos = out.consumer_pos[0] + 0x100000000ULL
	out.producer_pos[0] = out.pos
end
-- In dispatch(): the words of struct scxlua_control, and then a crash. drain_off, all that the
-- worker may write, and no CPU online: there would be no room for any decision.
function misdeeds.hold_forged()
	local control = ffi.C.engine_running.control
	ffi.fill(control + 3, 4, 0xff)
	ffi.fill(control + 16, 64, 0xff)
	control[33] = 0
	misdeeds.wild_pointer()
end

-- Others' things.
function misdeeds.slow()
	local done = scx.now() + 40e6
	while scx.now() < done do end
end
function misdeeds.mutate()
	getmetatable("").__index = function() error("strings are broken") end
	math.floor = nil -- luacheck: ignore 122
	string.format = nil -- luacheck: ignore 122
end

-- Drops: the tasks of a call, or every second one, are forgotten.
local drops = {
	drop_all = function() return true end,
	drop_half = function(i) return (calls + i) % 2 == 0 end,
}

local misdeed, drop = misdeeds.none, nil

local function enqueue(tasks, n)
	local bad = begin > 0 and scx.now() - begin > 3e9
	calls = calls + 1
	if bad then
		misdeed(tasks, n)
	end
	for i = 0, n - 1 do
		if not (bad and drop and drop(i)) then
			dispatch(tasks[i])
		end
	end
end

-- What it kept is decided long after: threads may have ended, others have their slot.
local function keeps_the_dead(tasks, n)
	local bad = begin > 0 and scx.now() - begin > 3e9
	for i = 0, n - 1 do
		if bad and (calls + i) % 4 == 0 then
			kept[#kept + 1] = tasks[i]
		else
			dispatch(tasks[i])
		end
	end
	calls = calls + 1
	if #kept > 200 then
		for i = 1, #kept do
			dispatch(kept[i])
			kept[i] = nil
		end
	end
end

local function hold(tasks, n)
	for i = 0, n - 1 do
		queue:push(tasks[i])
	end
end

return {
	name = "misdeeds",
	options = { misdeed = { "none", "what to do wrong" } },
	init = function()
		drop = drops[opt.misdeed]
		misdeed = misdeeds[opt.misdeed] or misdeeds.none
		assert(drop or misdeeds[opt.misdeed] or opt.misdeed:match("^hold_") or
			opt.misdeed == "keeps_the_dead", "no such misdeed")
	end,
	enqueue = function(tasks, n)
		if begin == 0 and ffi.string(tasks[0].comm):sub(1, 6) ~= "synth-" then
			begin = scx.now()
		end
		if opt.misdeed == "keeps_the_dead" then
			keeps_the_dead(tasks, n)
		elseif begin > 0 and opt.misdeed:sub(1, 5) == "hold_" then
			hold(tasks, n)
		else
			enqueue(tasks, n)
		end
	end,
	dispatch = function(room)
		local odd_held = { hold_lies = 0, hold_string = "x", hold_negative = -1 }
		if opt.misdeed == "hold_greedy" then
			room = 1e6
		elseif opt.misdeed == "hold_forged" and begin > 0 and scx.now() - begin > 3e9 then
			misdeed()
		end
		for _ = 1, room do
			local task = queue:pop()
			if task == nil then
				break
			end
			dispatch(task)
		end
		return odd_held[opt.misdeed] or queue:len()
	end,
}
