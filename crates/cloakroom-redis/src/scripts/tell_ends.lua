-- Tells the feeds of the sessions that have ended. KEYS: the session, its bucket's epoch and index, of each. What was chosen by
-- its principal may have ended without being shown.
local replies = run()
local channel = string.sub(KEYS[1], 1, string.find(KEYS[1], '{', 1, true) - 1) .. 'f'
for i, reply in ipairs(replies) do
  if string.byte(reply) == 69 or ARGV[1] == 'P' then
    redis.call('PUBLISH', channel, 'E' .. string.sub(KEYS[3 * i - 2], -36))
  end
end
return replies
