-- Shows the live sessions of a principal among those given.
-- KEYS: the session and its bucket's epoch, of each. ARGV: the principal.
-- Says O of one that has expired: it is not listed, but a commit that was held back since it was live may revive it, so that
-- its entry has to stay until the session is gone.

local function shown(session, epoch)
  local meta = redis.pcall('HGET', session, META)
  if type(meta) == 'table' then return 'D' end
  if not meta then return '' end
  if defect(meta) then return 'D' end
  if call('GET', epoch) ~= sub(meta, 4, 11) then return '' end
  local r = decode(meta)
  if r.principal ~= ARGV[1] then return '' end
  if r.is_over then return 'O' end
  return 'E' .. sub(meta, SHOWN, RECENT - 1)
end

local replies = {}
for i = 1, #KEYS, 2 do
  replies[#replies + 1] = shown(KEYS[i], KEYS[i + 1])
end
return replies
