-- Removes what is left of sessions whose epoch is over.
-- KEYS: the session, its bucket's epoch and index of what is left, of each.
for i = 1, #KEYS, 3 do
  local meta = redis.pcall('HGET', KEYS[i], META)
  if type(meta) == 'string' and call('GET', KEYS[i + 1]) ~= sub(meta, 4, 11) then
    call('DEL', KEYS[i])
  end
  call('ZREM', KEYS[i + 2], sub(KEYS[i], -36))
end
return {}
