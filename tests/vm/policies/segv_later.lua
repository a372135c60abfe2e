-- fifo for five seconds, then a write through a bad pointer.
local scx = require "scx"
local ffi = require "ffi"
local dispatch = scx.dispatch
local begin = scx.now()
local bad = ffi.cast("int *", 16)

return {
	name = "segv_later",
	enqueue = function(tasks, n)
		if scx.now() - begin > 5e9 then
			bad[0] = 1
		end
		for i = 0, n - 1 do
			dispatch(tasks[i])
		end
	end,
}
