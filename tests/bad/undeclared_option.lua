-- expect: 2 scx.opt.slice_us: the policy declares no such option
-- SPDX-License-Identifier: GPL-2.0-only
-- Reads an option it did not declare.
local scx = require "scx"
local function enqueue(tasks) scx.dispatch(tasks[0], nil, scx.opt.slice_us) end
return { enqueue = enqueue }
