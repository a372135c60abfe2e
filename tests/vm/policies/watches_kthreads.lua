-- SPDX-License-Identifier: GPL-2.0-only
-- fifo that counts kernel threads: their parent is kthreadd, pid 2, or they are it.
local scx = require "scx"
local dispatch = scx.dispatch
local nr = 0

return {
	name = "watches_kthreads",
	enqueue = function(tasks, n)
		for i = 0, n - 1 do
			if tasks[i].ppid == 2 or tasks[i].pid == 2 then
				nr = nr + 1
			end
			dispatch(tasks[i])
		end
	end,
	stats = function(t)
		t.kthreads = nr
	end,
}
