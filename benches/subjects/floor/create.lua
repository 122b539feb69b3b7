-- KEYS: the session. ARGV: proof, max inactive interval, max lifetime, then name and value of each attribute.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local interval, ends = tonumber(ARGV[2]), now + ARGV[3]
redis.call('HSET', KEYS[1], '', ARGV[1] .. struct.pack('>I6I6I6I6', now, now, interval, ends), unpack(ARGV, 4))
redis.call('PEXPIREAT', KEYS[1], string.format('%d', math.min(now + interval, ends)))
return 1
