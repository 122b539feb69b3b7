-- Removes those of the given sessions that have expired, and returns whose they were.
-- KEYS: the session, its bucket's epoch and index, of each.

local function acknowledge(session, index)
  local meta = redis.pcall('HGET', session, META)
  if type(meta) ~= 'string' or defect(meta) then return '' end
  local r = decode(meta)
  if not r.is_over then return '' end
  call('DEL', session)
  call('ZREM', index, sub(session, -36))
  return r.principal
end

local replies = {}
for i = 1, #KEYS, 3 do
  replies[#replies + 1] = acknowledge(KEYS[i], KEYS[i + 2])
end
return replies
