-- Tells the feeds of a commit that was applied. KEYS: the session, and what the script before needs.
local reply = run()
if string.byte(reply) == 67 then
  local channel = string.sub(KEYS[1], 1, string.find(KEYS[1], '{', 1, true) - 1) .. 'f'
  redis.call('PUBLISH', channel, 'C' .. string.sub(KEYS[1], -36) .. string.sub(reply, 2, 7))
end
return reply
