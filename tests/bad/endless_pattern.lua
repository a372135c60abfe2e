-- expect: 2 endless_pattern.lua: loading did not end within 4000 ms
-- SPDX-License-Identifier: GPL-2.0-only
-- A pattern match that takes for ever, in C, where the limit of load does not reach.
return { enqueue = function() end, name = ("a"):rep(60):match(("a?"):rep(60) .. ("a*"):rep(60) .. "b") }
