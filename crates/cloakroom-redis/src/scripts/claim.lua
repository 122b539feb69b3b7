-- Hands out those of the given sessions that have expired, and puts the others in their place in the index.
-- KEYS: the session, its bucket's epoch and index, of each. ARGV: the lease or 0, which values, and their names.
local lease, which = tonumber(ARGV[1]), ARGV[2]

local function values(reply, session)
  if which == 'E' then
    add_everything(reply, call('HGETALL', session))
    return
  end
  for i = 3, #ARGV do
    local value = call('HGET', session, ARGV[i])
    if value then add_everything(reply, { ARGV[i], value }) end
  end
end

local function remove(session, index)
  call('DEL', session)
  call('ZREM', index, sub(session, -36))
  return ''
end

local function claim(session, epoch, index)
  local handle = sub(session, -36)
  local score = call('ZSCORE', index, handle)
  if not score or tonumber(score) > now then return '' end
  local meta = redis.pcall('HGET', session, META)
  if not meta or type(meta) == 'table' then return remove(session, index) end
  local wrong = defect(meta)
  if wrong == 'F' then
    call('ZADD', index, now + 60000, handle)
    return ''
  end
  if wrong or call('GET', epoch) ~= sub(meta, 4, 11) then return remove(session, index) end
  local r = decode(meta)
  if not r.is_over then
    -- As in `keep`, this comes first.
    call('PEXPIREAT', session, string.format('%d', r.deadline + MARGIN))
    call('ZADD', index, r.deadline, handle)
    return ''
  end
  keep(session, r, lease)
  local reply = told(session, meta, now, values)
  if lease == 0 then
    remove(session, index)
  else
    call('HSET', session, META, sub(meta, 1, 1) .. '\1' .. sub(meta, 3))
    call('ZADD', index, now + lease, handle)
  end
  return reply
end

local replies = {}
for i = 1, #KEYS, 3 do
  replies[#replies + 1] = claim(KEYS[i], KEYS[i + 1], KEYS[i + 2])
end
return replies
