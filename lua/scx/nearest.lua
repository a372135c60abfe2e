-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/nearest.lua - "; did you mean ...?" for a misspelled name.

-- Edit distance with two rows (Wagner and Fischer); transposed neighbours cost 2.
local function distance(a, b)
	local row = {}
	for j = 0, #b do
		row[j] = j
	end
	for i = 1, #a do
		local diagonal = row[0]
		row[0] = i
		for j = 1, #b do
			local above = row[j]
			local cost = a:byte(i) == b:byte(j) and 0 or 1
			row[j] = math.min(above + 1, row[j - 1] + 1, diagonal + cost)
			diagonal = above
		end
	end
	return row[#b]
end

--- The hint for a name that is not in a table.
-- @param name what was written; anything but a string gives no hint
-- @param names table whose string keys are the right names
-- @return '; did you mean "x"?' for the closest name at most 2 edits (and less than half the
--   name's length) away, else ""
return function(name, names)
	if type(name) ~= "string" or #name > 64 then
		return ""
	end
	local best, best_distance = nil, math.min(2, (#name - 1) / 2)
	for candidate in pairs(names) do
		if type(candidate) == "string" then
			local d = distance(name, candidate)
			if d < best_distance or d == best_distance and (not best or candidate < best) then
				best, best_distance = candidate, d
			end
		end
	end
	return best and string.format("; did you mean %q?", best) or ""
end
