-- expect: 2 endless_load.lua:3: still running after 2000 ms
-- SPDX-License-Identifier: GPL-2.0-only
while true do end -- An endless loop at the top level.
