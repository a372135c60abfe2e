-- SPDX-License-Identifier: GPL-2.0-only
-- Options: declarations, values from the command line, messages.

package.path = "tests/lua/?.lua;" .. package.path
local tap = require "tap"
local option = tap.module "scx.option"

tap.raises("options have their values from init() on", "no option before the declaration",
	function() return option.values.slice_us end)

local function flaw(spec, key)
	local _, wrong = tap.module("scx.option").declare({ [key or "a"] = spec })
	return tostring(wrong)
end

tap.is(flaw(5), 'expected { default, "help", min, max }, got number', "spec must be a table")
tap.is(flaw({ {}, "x" }), "the default must be a number, boolean or string, got table",
	"default of a wrong type")
tap.is(flaw({ 5 }), "the second value must be a string that says what it is, got nil", "no help")
tap.is(flaw({ 5, "x", 6, 9 }), "the default 5 is not in 6..9", "default out of range")
tap.is(flaw({ 5, "x", nil, 4 }), "the default 5 is not in at most 4", "default over the maximum")
tap.is(flaw({ 5, "x", "1" }), "the least value must be a number, of an option that is one",
	"minimum that is no number")
tap.is(flaw({ true, "x", 0, 1 }), "the least value must be a number, of an option that is one",
	"range of a boolean")
tap.is(flaw({ 5, "x", 1, 9, 10 }), 'unknown field 5 in { default, "help", min, max }', "too many")
tap.ok(flaw({ 0 / 0, "x" }):match("^the default %-?nan is not in the numbers$"), "default NaN")
tap.is(flaw({ 5, "x" }, "Slice-us"), "an option's name is made of a-z, 0-9 and _", "bad name")
tap.ok(flaw({ true, "x" }, "builtin_idle"):find("is an option of every policy", 1, true),
	"builtin_idle is reserved")

tap.is(option.declare({
	slice_us = { 5000, "time slice, microseconds", 100, 1000000 },
	boost = { 1.5, "factor" },
	lazy = { false, "wait" },
	mode = { "fair", "how" },
}), nil, "good declarations")

local values = option.values
tap.is(values.slice_us, 5000, "number default")
tap.is(values.lazy, false, "boolean default")
tap.is(values.mode, "fair", "string default")

option.set("slice_us", "3000")
tap.is(values.slice_us, 3000, "number set")
option.set("boost", "0.25")
tap.is(values.boost, 0.25, "fraction set")
option.set("lazy", "yes")
tap.is(values.lazy, true, "boolean set")
option.set("mode", "5")
tap.is(values.mode, "5", "a string option keeps digits a string")

tap.raises("slice_us: expected 100..1000000, got -5", "too small", option.set, "slice_us", "-5")
tap.raises("slice_us: expected 100..1000000, got 2000000", "too large", option.set, "slice_us",
	"2e6")
tap.raises('slice_us: expected 100..1000000, got "x"', "no number", option.set, "slice_us", "x")
tap.raises("slice_us: expected 100..1000000, got nan", "NaN is in no range", option.set, "slice_us",
	"nan")
tap.raises('boost: expected a number, got ""', "empty", option.set, "boost", "")
tap.raises('lazy: expected true or false, got "perhaps"', "no boolean", option.set, "lazy",
	"perhaps")
tap.raises('no option "slize_us" in this policy; did you mean "slice_us"?; it has: boost, lazy, '
	.. "mode, slice_us, builtin_idle", "unknown key lists what there is", option.set, "slize_us", "1")
tap.is(values.slice_us, 3000, "a refused value changes nothing")

tap.raises("scx.opt.slize_us: the policy declares no such option; did you mean",
	"reading an unknown option", function() return values.slize_us end)
tap.raises("options are set by -o, not by the policy", "writing an option",
	function() values.other = 1 end)

local rows = option.list()
tap.is(#rows, 4, "list has a row per option")
tap.is(table.concat(rows[4], "|"), "slice_us|3000|5000|time slice, microseconds|100..1000000",
	"key, value, default, help, range")
tap.is(rows[1][5], "", "no range")

tap.done()
