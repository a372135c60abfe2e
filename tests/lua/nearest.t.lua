-- SPDX-License-Identifier: GPL-2.0-only
-- Hints for misspelled names.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local nearest = tap.module "scx.nearest"

local names = { enqueue = 1, dispatch = 1, exit_task = 1, tick = 1 }

tap.is(nearest("enque", names), '; did you mean "enqueue"?', "letters left out")
tap.is(nearest("dipsatch", names), '; did you mean "dispatch"?', "letters swapped")
tap.is(nearest("Tick", names), '; did you mean "tick"?', "wrong case")
tap.is(nearest("frobnicate", names), "", "nothing is close")
tap.is(nearest("x", names), "", "a short name is close to anything, so to nothing")
tap.is(nearest(5, names), "", "not a string")
tap.is(nearest(("e"):rep(1000), names), "", "absurdly long")

tap.done()
