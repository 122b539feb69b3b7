-- Takes the turn to sign in a principal whose sessions are limited in number: one sign-in at a time, for a bounded time.
-- KEYS: whose turn it is, the principal's sessions. ARGV: the commit, how long it has, and how long the others wait for it
-- at most, both in milliseconds.
-- Returns until when the session must be bound, in microseconds, and the sessions with their scores; or an empty list.
local holder = call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {} end
call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
local reply = call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
table.insert(reply, 1, pack('>I8', seconds * 1000000 + micros + ARGV[2] * 1000))
return reply
