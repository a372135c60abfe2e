-- SPDX-License-Identifier: GPL-2.0-only
-- luacheck's settings: LuaJIT's globals, 100 columns, and tests/bad are wrong on purpose.
std = "luajit"
max_line_length = 100
exclude_files = { "tests/bad", "build" }
