-- SPDX-License-Identifier: GPL-2.0-only
--
-- scx/state.lua - what export() returns, as text that crosses to the next worker's import().
--
-- Plain data: booleans, numbers, strings, tables of these without cycles. One letter says what
-- follows: n (number, %.17g, ended by ;), s (length : bytes), t, f, - (nil), { key value ... }.
-- Read back by a parser, not by load(), so that one script cannot run code in another.

local format = string.format

local MAX_DEPTH = 32

local encode

local function encode_table(value, path, depth, out)
	if depth > MAX_DEPTH then
		error(format("%s: more than %d tables deep, or a cycle", path, MAX_DEPTH), 0)
	end
	out[#out + 1] = "{"
	for k, v in pairs(value) do
		local below = path .. "." .. tostring(k)
		encode(k, below, depth + 1, out)
		encode(v, below, depth + 1, out)
	end
	out[#out + 1] = "}"
end

function encode(value, path, depth, out)
	local kind = type(value)
	if kind == "table" then
		encode_table(value, path, depth, out)
	elseif kind == "number" then
		out[#out + 1] = format("n%.17g;", value)
	elseif kind == "string" then
		out[#out + 1] = format("s%d:%s", #value, value)
	elseif kind == "boolean" then
		out[#out + 1] = value and "t" or "f"
	elseif kind == "nil" then
		out[#out + 1] = "-"
	else
		error(format("%s: expected plain data, got %s%s", path, kind,
			kind == "cdata" and "; tasks are handed over by the runtime" or ""), 0)
	end
end

local function broken(at)
	error(format("damaged state at byte %d", at), 0)
end

local decode

local function decode_table(text, at, depth)
	local value = {}
	while text:sub(at, at) ~= "}" do
		local k, v
		k, at = decode(text, at, depth + 1)
		v, at = decode(text, at, depth + 1)
		if k == nil or k ~= k then
			broken(at)
		end
		value[k] = v
	end
	return value, at + 1
end

local function decode_number(text, at)
	local digits, stop = text:match("^([^;]*)();", at)
	local value = tonumber(digits)
	if not value then
		broken(at)
	end
	return value, stop + 1
end

local function decode_string(text, at)
	local digits, start = text:match("^(%d+):()", at)
	local len = tonumber(digits)
	if not len or start + len - 1 > #text then
		broken(at)
	end
	return text:sub(start, start + len - 1), start + len
end

function decode(text, at, depth)
	local tag = text:sub(at, at)
	if depth > MAX_DEPTH + 1 then
		broken(at)
	elseif tag == "{" then
		return decode_table(text, at + 1, depth)
	elseif tag == "n" then
		return decode_number(text, at + 1)
	elseif tag == "s" then
		return decode_string(text, at + 1)
	elseif tag == "t" or tag == "f" then
		return tag == "t", at + 1
	elseif tag == "-" then
		return nil, at + 1
	end
	broken(at)
end

local function show(value)
	if type(value) == "string" then
		return format("%q", #value > 20 and value:sub(1, 20) .. "..." or value)
	end
	return type(value) == "table" and "a table" or tostring(value)
end

local function is_same_number(a, b)
	local most = math.max(math.abs(a), math.abs(b))
	return a ~= a and b ~= b or most < math.huge and math.abs(a - b) <= 0.01 * most
end

local difference

-- In the order of their names, so that the same is named first every time.
local function difference_of_tables(a, b, path)
	local keys = {}
	for _, t in ipairs({ a, b }) do
		for k in pairs(t) do
			keys[#keys + 1] = k
		end
	end
	table.sort(keys, function(x, y) return tostring(x) < tostring(y) end)
	for _, k in ipairs(keys) do
		local found = difference(a[k], b[k], path .. "." .. tostring(k))
		if found then
			return found
		end
	end
end

function difference(a, b, path)
	if type(a) == "table" and type(b) == "table" then
		return difference_of_tables(a, b, path)
	elseif a == b or type(a) == "number" and type(b) == "number" and is_same_number(a, b) then
		return nil
	elseif b == nil then
		return format("%s was %s, is gone", path, show(a))
	end
	return format("%s was %s, is %s", path, a == nil and "not there" or show(a), show(b))
end

local M = {}

--- Writes plain data as text. Error: names the path of what cannot be written.
function M.encode(value)
	local out = {}
	encode(value, "state", 0, out)
	return table.concat(out)
end

--- Reads what encode() wrote. Error: damaged text, with the byte.
function M.decode(text)
	local value, at = decode(text, 1, 0)
	if at ~= #text + 1 then
		broken(at)
	end
	return value
end

--- Do two texts that encode() wrote say the same? Numbers may differ by 1 %.
-- @return nil, or the first thing that differs: "state.credit was 5, is gone"
function M.difference(before, after)
	return difference(M.decode(before), M.decode(after), "state")
end

return M
