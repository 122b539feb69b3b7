-- Lists sessions whose time may be over. KEYS: the index of each bucket. ARGV: how many at most, and of one bucket.
local found, most, most_each = {}, tonumber(ARGV[1]), tonumber(ARGV[2])
for _, index in ipairs(KEYS) do
  local room = math.min(most - #found, most_each)
  if room <= 0 then break end
  for _, handle in ipairs(call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, room)) do
    found[#found + 1] = handle
  end
end
return found
