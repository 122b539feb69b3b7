-- Applies a commit to a session that must exist.
-- KEYS: the session, its bucket's epoch; the bucket's index where the deadline may come nearer or somebody signs in; the
-- principal's sessions where they are on this server.
if not meta then return 'A' end
local wrong = defect(meta)
if wrong then return wrong end
local _, handed_out, before, epoch, proof, lapse, version, accessed, count, bytes, created, interval, ends, issued, signed_in,
  length = read(RECORD, meta)
local texts, recent = sub(meta, TEXTS, RECENT - 1), sub(meta, RECENT)
if call('GET', KEYS[2]) ~= epoch then return 'A' end
local previous
if proof ~= asks or clear == 1 then previous = call('HGET', KEYS[1], PREVIOUS) end

local first, fate = known(recent, id)
if first and (proof == asks or previous and covers(previous, asks)) then
  previous = fate == 2 and (previous or call('HGET', KEYS[1], PREVIOUS))
  return committed(first, now, fate, previous and string.byte(previous) == 2 and sub(previous, 40) or '')
end

local deadline = earlier(ends, accessed + interval)
if handed_out ~= 0 or at >= deadline then return 'A' end
local next_proof, grace, new_seed, place_until, new_principal
if kind == RENEW then
  next_proof, grace, new_seed, kind_at = read('>c32I6c16', head, kind_at)
elseif kind == SIGN_IN then
  next_proof, grace, place_until, new_principal, kind_at = read('>c32I6I8I2c0', head, kind_at)
end
local seed = ''
fate = next_proof and 1 or 0
if proof ~= asks then
  local standing = previous and standing_before(previous, asks, at, covers)
  if not standing then return 'A' end
  if standing >= 3 then
    if kind ~= SIGN_IN then return 'S' end
    if new_principal ~= sub(texts, 1, length) then return 'P' end
    return committed(version, now, 3, '')
  end
  if kind == RENEW then
    fate = 2
    if standing == 2 then seed = sub(previous, 40) end
  end
end

local lapsed
if lapse > 0 and lapse <= now and lapse <= deadline then
  lapsed, count, bytes, lapse = {}, 0, 0, 0
  local all = call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local name, value = all[i], all[i + 1]
    if string.byte(name) ~= 1 then
      local lapses = read('>I6', value, 8)
      if lapses > 0 and lapses <= now and lapses <= deadline then
        lapsed[name] = true
        lapsed[#lapsed + 1] = name
      else
        count, bytes, lapse = count + 1, bytes + #name + #value - HEADER, earlier(lapse, lapses)
      end
    end
  end
end

if expects == 1 then
  for i = 0, changes - 1 do
    local name, edit = nth(i)
    local how, revision, expected = string.byte(edit, 2), nil, nil
    local value = how > 0 and not (lapsed and lapsed[name]) and call('HGET', KEYS[1], name)
    if value then
      if #value < HEADER then return 'D' end
      revision = read('>I6', value, 2)
    end
    if how == 2 then expected = read('>I6', edit, 3) end
    if how > 0 and revision ~= expected then return 'X' .. pack('>I4', i) end
  end
end
version = version + stands_for
local is_new = false
