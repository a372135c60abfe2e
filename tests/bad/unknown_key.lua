-- expect: 2 unknown_key.lua:7: unknown key "enque" in the policy table; did you mean "enqueue"?
-- SPDX-License-Identifier: GPL-2.0-only
-- A misspelled hook.
local function enqueue() end

return {
	enque = enqueue,
}
