-- expect: 2 endless_pcall.lua:5: still running after 2000 ms
-- SPDX-License-Identifier: GPL-2.0-only
-- An endless loop that catches what would end it.
while true do
	pcall(function() while true do end end)
end
