-- SPDX-License-Identifier: GPL-2.0-only
--
-- tap.lua - a test script's helpers: TAP lines, and the library's modules with a made-up host.
-- Run the scripts from the top of the tree: prove --exec luajit tests/lua/*.t.lua

local tap = { nr = 0, failed = 0 }

package.path = "lua/?.lua;" .. package.path

function tap.ok(good, name)
	tap.nr = tap.nr + 1
	if not good then
		tap.failed = tap.failed + 1
	end
	print(string.format("%s %d - %s", good and "ok" or "not ok", tap.nr, name))
	return good
end

function tap.is(got, want, name)
	if not tap.ok(got == want, name) then
		print(string.format("# expected: %s\n#      got: %s", tostring(want), tostring(got)))
	end
end

--- Passes if fn(...) raises an error that contains `text`.
function tap.raises(text, name, fn, ...)
	local ok, message = pcall(fn, ...)
	if not tap.ok(not ok and tostring(message):find(text, 1, true), name) then
		print(string.format("# expected an error with: %s\n#      got: %s", text, tostring(message)))
	end
end

--- Loads a library module anew, with a host as the runtime would give it.
function tap.module(name, host)
	local chunk = assert(loadfile("lua/" .. name:gsub("%.", "/") .. ".lua"))
	return chunk(name, host)
end

--- Forgets what require() has loaded of the library, so that a test starts afresh.
function tap.fresh()
	for name in pairs(package.loaded) do
		if name:match("^scx") then
			package.loaded[name] = nil
		end
	end
end

function tap.done()
	print("1.." .. tap.nr)
	os.exit(tap.failed == 0 and 0 or 1)
end

return tap
