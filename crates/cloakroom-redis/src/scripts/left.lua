-- Lists sessions of an epoch that is over. KEYS: the index of what is left of each bucket. ARGV: how many at most.
local found, most = {}, tonumber(ARGV[1])
for _, index in ipairs(KEYS) do
  if #found >= most then break end
  for _, handle in ipairs(call('ZRANGE', index, 0, most - #found - 1)) do
    found[#found + 1] = handle
  end
end
return found
