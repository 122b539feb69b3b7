-- Ends sessions. One that has expired but was not handed out yet is marked as if it was: a sweep still hands it out, and a
-- commit that was held back since it was live does not revive it.
-- KEYS: the session, its bucket's epoch and index, of each. ARGV: how they are chosen (T by ticket, H by handle, O by
-- handle and owner, P by principal), and the proof or the principal.
local chosen_by, who = ARGV[1], ARGV[2]

local function is_chosen(session, r)
  if chosen_by == 'H' then return true end
  if chosen_by ~= 'T' then return r.principal == who end
  if r.proof == who then return true end
  local previous = call('HGET', session, PREVIOUS)
  local stands = previous and standing_before(previous, who, math.min(now, r.deadline - 1), covers)
  if stands and stands >= 3 then return false, not r.is_over and 'S' end
  return stands
end

local function finish(session, index)
  call('DEL', session)
  call('ZREM', index, sub(session, -36))
end

local function close(session, meta, r)
  keep(session, r, 0)
  call('HSET', session, META, sub(meta, 1, 1) .. '\1' .. sub(meta, 3))
  return ''
end

local function end_one(session, epoch, index)
  local meta = redis.pcall('HGET', session, META)
  if type(meta) == 'table' then return chosen_by == 'P' and '' or 'D' end
  if not meta then return '' end
  local wrong = defect(meta)
  if wrong and chosen_by ~= 'P' then return wrong end
  if wrong then
    finish(session, index)
    return ''
  end
  if call('GET', epoch) ~= sub(meta, 4, 11) then return '' end
  local r = decode(meta)
  local is_it, refusal = is_chosen(session, r)
  if not is_it then return refusal or '' end
  if r.is_over then return close(session, meta, r) end
  local reply = told(session, meta, now)
  finish(session, index)
  return reply
end

local replies = {}
for i = 1, #KEYS, 3 do
  replies[#replies + 1] = end_one(KEYS[i], KEYS[i + 1], KEYS[i + 2])
end
return replies
