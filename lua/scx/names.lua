-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/names.lua - scx.names(): values by thread name, found without making a string.
--
--   local names = scx.names()
--   names:add("Xorg", 1)             in init()
--   names:get(task)                  1 if that is the task's name now, nil if it is another
--
-- ffi.string(task.comm) would be garbage for every task. A name is 16 bytes padded with zeros, so
-- four 32-bit words; they lead through a tree of tables. Most names part ways at the first word:
-- cheaper than to note in task.data[] what was found and to check that exec or prctl has not
-- renamed the thread since.

local ffi = require "ffi"

local cast, words = ffi.cast, ffi.typeof("const int32_t *")

local methods = {}

--- Adds a name. May allocate.
-- @param name of a thread, at most 15 bytes count, as in the kernel; replaces an equal one
-- @param value anything but nil and false
function methods:add(name, value)
	local comm, at = ffi.new("char[16]"), self.tree
	ffi.copy(comm, name, math.min(#name, 15))
	for i = 0, 2 do
		local word = cast(words, comm)[i]
		at[word] = at[word] or {}
		at = at[word]
	end
	at[cast(words, comm)[3]] = value
end

--- Looks up a task by its name at its last enqueue.
-- @return the value that was added with the name, or nil
function methods:get(task)
	local word = cast(words, task.comm)
	local at = self.tree[word[0]]
	at = at and at[word[1]]
	at = at and at[word[2]]
	return at and at[word[3]]
end

local M = {}

--- Makes an empty set of names.
function M.names()
	return setmetatable({ tree = {} }, { __index = methods })
end

return M
