-- Lists sessions whose time may be over, and with an `o` before it what is left of an epoch that is over.
-- KEYS: the index of each bucket, and that of what is left. ARGV: how many at most, and of one bucket.
local found, most, most_each = {}, tonumber(ARGV[1]), tonumber(ARGV[2])
local due, left = 0, 0
for i = 1, #KEYS, 2 do
  local room = math.min(most - due, most_each)
  if room > 0 then
    for _, handle in ipairs(call('ZRANGEBYSCORE', KEYS[i], '-inf', now, 'LIMIT', 0, room)) do
      found[#found + 1] = handle
      due = due + 1
    end
  end
  room = math.min(most - left, most_each)
  if room > 0 then
    for _, handle in ipairs(call('ZRANGE', KEYS[i + 1], 0, room - 1)) do
      found[#found + 1] = 'o' .. handle
      left = left + 1
    end
  end
end
return found
