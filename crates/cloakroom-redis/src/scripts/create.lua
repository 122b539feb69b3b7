-- Makes a session.
-- KEYS: the session, its bucket's epoch and index; the principal's sessions where they are on this server.
local lifetime, new_epoch, place_until, principal, texts_at = read('>I6c8I8I2c0', head, kind_at)
local epoch = call('GET', KEYS[2])
local meta = call('HGET', KEYS[1], META)
if meta then
  local wrong = defect(meta)
  if wrong then return wrong end
  if sub(meta, 4, 11) == epoch then
    local previous = call('HGET', KEYS[1], PREVIOUS)
    local is_ours = sub(meta, 12, 43) == asks or previous and covers(previous, asks)
    local first, fate = known(sub(meta, RECENT), id)
    if not first or not is_ours then return 'T' end
    return committed(first, now, fate, '')
  end
end

local is_new, version, count, bytes, lapse, lapsed = true, stands_for, 0, 0, 0, nil
local before, proof, created, accessed, interval, ends, issued = 0, asks, at, at, new_interval, 0, at
local signed_in, length, texts = 0, #principal, principal .. sub(head, texts_at)
local recent, fate, seed = string.rep('\0', 120), 0, ''
if lifetime > 0 then ends = at + lifetime end
if principal ~= '' then signed_in = at end
