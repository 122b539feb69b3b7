-- Enters a session among a principal's before it is bound to them.
-- KEYS: the principal's sessions. ARGV: the handle, and for how many microseconds the place is kept.
-- Returns until when the session must be bound, in microseconds.
local kept_until = seconds * 1000000 + micros + ARGV[2]
call('ZADD', KEYS[1], kept_until, ARGV[1])
return pack('>I8', kept_until)
