-- What a commit asks for. ARGV[1]: half of its id 8, proof 32, limits: value 6, session 6, attributes 4. That is all where a
-- commit of one request is to set attributes that do not lapse, now, whatever was there, and nothing else. Otherwise: age 6,
-- clear 1 (2 more: it stands for several commits), only asks 1, whether any attribute is expected to be something 1 (2: all
-- are only set), max inactive interval 6 (0: as it is), kind of change 1, how many commits it stands for 4 if it is several,
-- and then what the kind needs; at last the label.
-- Then of each attribute the name, how it is edited unless all are only set, and the value. An edit is: store 1, expects 1
-- (1 absence, 2 a revision), the revision 6 if that is expected, and the time to live 6 if there is one.
local RENEW, SIGN_IN = 1, 2
local head = #ARGV[1] > BRIEF and ARGV[1] or ARGV[1] .. string.rep('\0', 8) .. '\2' .. string.rep('\0', 7)
local id, asks, most_value, most_bytes, most_attributes, age, clear, is_question, expects, new_interval, kind,
  kind_at = read('>c8c32I6I6I4I6BBBI6B', head)
local stands_for = 1
if clear >= 2 then
  clear = clear - 2
  stands_for, kind_at = read('>I4', head, kind_at)
end
local each = expects == 2 and 2 or 3
local changes = (#ARGV - 1) / each
local at = age < now and now - age or 0

-- Returns name, edit and value of an attribute, counted from zero.
local function nth(i)
  local name_at = 2 + i * each
  return ARGV[name_at], expects == 2 and '\1\0' or ARGV[name_at + 1], ARGV[name_at + each - 1]
end

-- Returns version and fate of a commit, if it was applied already.
local function known(recent, id)
  local found = string.find(recent, id, 1, true)
  if found and (found - 1) % 15 == 0 then return struct.unpack('>I6B', recent, found + 8) end
end

local function committed(version, now, fate, seed)
  return struct.pack('>c1I6I6B', 'C', version, now, fate) .. seed
end
