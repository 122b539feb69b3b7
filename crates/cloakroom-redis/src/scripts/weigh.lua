-- Counts what the session will hold, and collects what is to be stored and to be removed.
-- From before: version, count, bytes, lapse, is_new, lapsed (the names of attributes that have, if any).
local count_before, bytes_before = count, bytes
if clear == 1 then count, bytes, lapse = 0, 0, 0 end
local fields, gone = { META, '' }, lapsed
for i = 0, changes - 1 do
  local name, edit, value = nth(i)
  local old, is_set, how = nil, string.byte(edit, 1, 2)
  if not is_new and not (lapsed and lapsed[name]) then
    local length = call('HSTRLEN', KEYS[1], name)
    if length > 0 then old = length - HEADER end
  end
  if old and clear == 0 then
    count, bytes = count - 1, bytes - #name - old
  end
  if is_set == 1 then
    local lapses, ttl_at = 0, how == 2 and 9 or 3
    if #value > most_value and not (old and #value <= old) then return 'L\1' .. pack('>I4', i) end
    if #edit >= ttl_at then
      lapses = at + read('>I6', edit, ttl_at)
      lapse = earlier(lapse, lapses)
    end
    count, bytes = count + 1, bytes + #name + #value
    fields[#fields + 1] = name
    fields[#fields + 1] = pack('>BI6I6', FORMAT, version, lapses) .. value
  else
    gone = gone or {}
    gone[#gone + 1] = name
  end
end
if count > most_attributes and count > count_before then return 'L\2' end
if bytes > most_bytes and bytes > bytes_before then return 'L\3' end
