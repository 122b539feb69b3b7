-- Stores the session: everything at once, or if it is a great many attributes, in batches.
recent = id .. pack('>I6B', version, fate) .. sub(recent, 1, 105)
fields[2] = pack(RECORD, FORMAT, 0, before, epoch, proof, lapse, version, accessed, count, bytes, created, interval, ends, issued,
  signed_in, length) .. texts .. recent
-- A server whose memory is full refuses a script at its first write, if that one may need memory, and not later.
local is_replaced = clear == 1 or (is_new and meta)
if #fields > 2 and (is_replaced or gone) then call('HSET', KEYS[1], fields[1], fields[2]) end
if is_replaced then
  call('DEL', KEYS[1])
elseif gone then
  for i = 1, #gone, 1000 do
    call('HDEL', KEYS[1], unpack(gone, i, math.min(i + 999, #gone)))
  end
end
if #fields <= 4000 then
  call('HSET', KEYS[1], unpack(fields))
else
  for i = 1, #fields, 4000 do
    call('HSET', KEYS[1], unpack(fields, i, math.min(i + 3999, #fields)))
  end
end
local deadline = earlier(ends, accessed + interval)
call('PEXPIREAT', KEYS[1], string.format('%d', deadline + MARGIN))
if KEYS[3] then call('ZADD', KEYS[3], deadline, sub(KEYS[1], -36)) end
if KEYS[4] then call('ZADD', KEYS[4], seconds * 1000000 + micros, sub(KEYS[1], -36)) end
return committed(version, now, fate, seed)
