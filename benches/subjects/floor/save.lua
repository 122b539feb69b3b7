-- KEYS: the session. ARGV: proof, then name and value of each attribute.
local meta = redis.call('HGET', KEYS[1], '')
if not meta or string.sub(meta, 1, 32) ~= ARGV[1] then return 0 end
local accessed, interval, ends = struct.unpack('>I6I6I6', meta, 39)
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) >= math.min(accessed + interval, ends) then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
