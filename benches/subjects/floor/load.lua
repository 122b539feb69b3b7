-- KEYS: the session. ARGV: proof, how often an access is recorded, names of attributes.
-- The metadata, under the empty name: proof 32, created 6, accessed 6, max inactive interval 6, ends at 6.
local held = redis.call('HMGET', KEYS[1], '', unpack(ARGV, 3))
local meta = held[1]
if not meta or string.sub(meta, 1, 32) ~= ARGV[1] then return false end
local accessed, interval, ends = struct.unpack('>I6I6I6', meta, 39)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local deadline = math.min(accessed + interval, ends)
if now >= deadline then return false end
if now - accessed >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], '', string.sub(meta, 1, 38) .. struct.pack('>I6', now) .. string.sub(meta, 45))
  redis.call('PEXPIREAT', KEYS[1], string.format('%d', math.min(now + interval, ends)))
end
local reply = { string.sub(meta, 33) }
for i = 2, #ARGV - 1 do
  local value = held[i]
  reply[#reply + 1] = value and struct.pack('>I4', #value) .. value or '\255\255\255\255'
end
return table.concat(reply)
