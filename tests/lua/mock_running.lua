-- SPDX-License-Identifier: GPL-2.0-only
--
-- mock_running.lua - lua/scx/running.lua in plain Lua, with the same contract, on the CPUs and
-- tasks of mock.lua.

local ffi = require "ffi"

local SLOTS, SCAN = 4096, 32
local FREE, HANDS_OFF = math.huge, -math.huge

local methods = {}

function methods:set(task, rank)
	local slot = task.pid % SLOTS
	self.pid[slot], self.rank[slot] = task.pid, rank
end

local function rank_on(self, task, cpu)
	local c = self.cpus[cpu]
	local slot = c.task_pid % SLOTS
	if c.online == 0 or self.promised[cpu] == c.since_ns or not self.allowed(task, cpu) then
		return HANDS_OFF
	elseif c.task_pid == 0 then
		return FREE
	end
	return self.pid[slot] == c.task_pid and self.rank[slot] or HANDS_OFF
end

function methods:victim(task, rank)
	local best, worst = nil, rank
	for i = 0, math.min(self.nr_cpus, SCAN) - 1 do
		local cpu = (task.cpu + i) % self.nr_cpus
		local on = rank_on(self, task, cpu)
		if on > worst then
			best, worst = cpu, on
		end
		if on == FREE then
			break
		end
	end
	if best then
		self.promised[best] = self.cpus[best].since_ns
	end
	return worst ~= FREE and best or nil
end

local M = {}

function M.running(cpus, nr_cpus, allowed)
	return setmetatable({ cpus = cpus, nr_cpus = nr_cpus, allowed = allowed,
		pid = ffi.new("int32_t[?]", SLOTS), rank = ffi.new("double[?]", SLOTS),
		promised = ffi.new("double[?]", nr_cpus, -1) }, { __index = methods })
end

return M
