-- Tells the feeds that all sessions have ended. KEYS: as in the script before.
local reply = run()
redis.call('PUBLISH', string.sub(KEYS[1], 1, string.find(KEYS[1], '{', 1, true) - 1) .. 'f', 'A')
return reply
