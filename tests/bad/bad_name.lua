-- expect: 2 name: expected 1..31 letters, digits, _ . -, got "a b"
-- SPDX-License-Identifier: GPL-2.0-only
-- A name that would break reports.
return { name = "a b", enqueue = function() end }
