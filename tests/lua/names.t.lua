-- SPDX-License-Identifier: GPL-2.0-only
-- Values by thread name.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local ffi = require "ffi"
local mock = require "mock"
local names = require("scx.names").names

local function named(name)
	return { comm = mock.comm(name) }
end

local n = names()
tap.is(n:get(named "Xorg"), nil, "nothing in an empty set")
n:add("Xorg", 1)
n:add("Xorg-helper", 2)
n:add("pipewire", 3)
n:add("a", "letter")
tap.is(n:get(named "Xorg"), 1, "a name of one word")
tap.is(n:get(named "Xorg-helper"), 2, "a longer one with the same beginning")
tap.is(n:get(named "Xorg-helpe"), nil, "not the beginning of a name")
tap.is(n:get(named "Xorg-helper2"), nil, "nor a name and more")
tap.is(n:get(named "xorg"), nil, "case counts")
tap.is(n:get(named "pipewire"), 3, "a name of two words")
tap.is(n:get(named "a"), "letter", "any value")
tap.is(n:get(named ""), nil, "no name")
n:add("Xorg", 4)
tap.is(n:get(named "Xorg"), 4, "added again: replaced")

n:add("a name that is too long", 5)
tap.is(n:get(named "a name that is "), 5, "15 bytes count, as in the kernel")
n:add("f\195\188nfzehn", 6)
tap.is(n:get(named "f\195\188nfzehn"), 6, "bytes above 127")

local task = named "before"
n:add("after", 7)
tap.is(n:get(task), nil, "a thread by its old name")
ffi.copy(task.comm, mock.comm "after", 16)
tap.is(n:get(task), 7, "and at once by its new one")
tap.is(names():get(task), nil, "sets are apart")

-- What it is for: nothing is allocated. The loop is hot, so the compiler's own memory is counted
-- in the first round and none in the second.
local function look_up(times)
	local found = 0
	for _ = 1, times do
		found = found + n:get(task)
	end
	return found
end
look_up(1e5)
collectgarbage()
collectgarbage("stop")
local before = collectgarbage("count")
look_up(1e5)
tap.ok(collectgarbage("count") - before < 1, "100000 look-ups leave less than 1 KiB")

tap.done()
