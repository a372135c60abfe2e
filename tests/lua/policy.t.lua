-- SPDX-License-Identifier: GPL-2.0-only
-- The check of a policy's table, with the line that each message names.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local ffi = require "ffi"

ffi.cdef "struct scx_task; struct scx_cpu { int core, llc, node; };"

local cpus = ffi.new("struct scx_cpu[2]", { { 0, 0, 0 }, { 1, 0, 3 } })

local function accept(def, text, settings)
	tap.fresh()
	local policy = tap.module("scx.policy", {
		text = text or "", chunk = "p.lua", name = "p", batch = 4, nr_cpus = 2, max_tasks = 8,
		cpus = cpus, settings = settings or {},
	})
	return policy.accept(def)
end

local function refuses(message, def, text, settings)
	tap.raises(message, message, accept, def, text, settings)
end

local function nop() end

refuses("p.lua:2: the script must return a policy table, got nothing", nil, "local x\nlocal y\n")
refuses("p.lua:2: the script must return a policy table, got string", "x", "local x\nreturn 'x'\n")
refuses("p.lua:2: the policy table has no enqueue(tasks, n)", {}, "\nreturn {\n}\n\n")
refuses('p.lua:3: unknown key "enque" in the policy table; did you mean "enqueue"?',
	{ enque = nop }, "local enque\nreturn {\n\tenque = 1,\n}\n")
refuses('p.lua:2: unknown key "foo" in the policy table', { foo = nop, enqueue = nop },
	"local M = {}\nfunction M.foo() end\n-- foo = 1\nreturn M\n")
refuses("unknown key 1 in the policy table", { nop, enqueue = nop })
refuses("enqueue: expected a function, got a table", { enqueue = {} })
refuses('enqueue: expected a function, got string "x"', { enqueue = "x" })
refuses("builtin_idle: expected a boolean, got number 1", { enqueue = nop, builtin_idle = 1 })
refuses("options: expected a table, got a function", { enqueue = nop, options = nop })
refuses('name: expected 1..31 letters, digits, _ . -, got ""', { enqueue = nop, name = "" })
refuses("tick_ms: expected 1..60000, got 0", { enqueue = nop, tick = nop, tick_ms = 0 })
refuses("tick: needs tick_ms", { enqueue = nop, tick = nop })
refuses("tick_ms: there is no tick() to call", { enqueue = nop, tick_ms = 5 })
refuses("export and import: one needs the other", { enqueue = nop, export = nop })
refuses("p.lua:1: options.b: the default 1 is not in 2..3", { enqueue = nop,
	options = { b = { 1, "x", 2, 3 } } }, "b = {1}\nreturn\n")

local good = { enqueue = nop, name = "fair", builtin_idle = true, tick = nop, tick_ms = 20,
	options = { slice_us = { 5, "x", 1, 9 } } }
local hooks = accept(good, "", { { "slice_us", "7" }, { "builtin_idle", "false" },
	{ "slice_us", "8" } })
tap.is(hooks.name, "fair", "name")
tap.is(hooks.tick_ms, 20, "tick_ms")
tap.is(hooks.builtin_idle, false, "-o overrides builtin_idle")
tap.is(hooks.host.options.slice_us, 8, "the last -o of a key counts")
tap.is(hooks.host.nr_cpus, 2, "host for init()")
tap.is(hooks.host.nr_cores, 2, "cores are counted")
tap.is(hooks.host.nr_llcs, 1, "caches are counted")
tap.is(hooks.host.nr_nodes, 4, "the highest node + 1")
tap.is(hooks.call.dispatch, nil, "no dispatch(): nothing to call")
tap.is(accept({ enqueue = nop }).name, "p", "the file's name is the default")
tap.is(accept({ enqueue = nop }).builtin_idle, nil, "builtin_idle may be unset")
refuses('no option "x" in this policy; it has: builtin_idle', { enqueue = nop }, "",
	{ { "x", "1" } })

-- What the runtime calls.
local seen
hooks = accept({ enqueue = function(tasks, n) seen = { tasks, n } end,
	dispatch = function(room) return room + 1 end,
	exit_task = function(task) seen = task end })
hooks.call.enqueue(hooks.tasks, 3)
tap.ok(seen[1] == hooks.tasks and seen[2] == 3, "enqueue gets the batch")
tap.is(hooks.call.dispatch(4), 5, "dispatch's result comes back")
hooks.tasks[0] = ffi.cast("struct scx_task *", 64)
hooks.call.exit_task()
tap.ok(seen == ffi.cast("struct scx_task *", 64), "exit_task gets the first of the batch")

tap.done()
