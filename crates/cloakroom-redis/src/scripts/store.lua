-- Stores the session: everything at once, or if it is a great many attributes, in batches.
fields[2] = pack(RECORD, FORMAT, 0, before, epoch, proof, lapse, version, created, accessed, interval, ends, issued, count,
  bytes, signed_in, #principal) .. principal .. label
fields[4] = sub(recent, -161) .. id .. pack('>I6B', version, fate)
if clear == 1 or is_new then
  call('DEL', KEYS[1])
else
  for i = 1, #gone, 1000 do
    call('HDEL', KEYS[1], unpack(gone, i, math.min(i + 999, #gone)))
  end
end
for i = 1, #fields, 2000 do
  call('HSET', KEYS[1], unpack(fields, i, math.min(i + 1999, #fields)))
end
local deadline = earlier(ends, accessed + interval)
call('PEXPIREAT', KEYS[1], deadline + MARGIN)
if KEYS[3] then call('ZADD', KEYS[3], deadline, sub(KEYS[1], -36)) end
if KEYS[4] then call('ZADD', KEYS[4], now_us, sub(KEYS[1], -36)) end
return committed(version, fate, seed)
