-- SPDX-License-Identifier: GPL-2.0-only
-- luacheck's settings: LuaJIT's globals, but in policies those that a policy has (lua/api.lua); 100
-- columns; tests/bad are wrong on purpose.
stds.scxlua = { read_globals = require("lua.api").globals }
std = "luajit"
max_line_length = 100
exclude_files = { "tests/bad", "build" }
files["policies"] = { std = "scxlua" }
files["tests/vm/policies"] = { std = "scxlua" }
