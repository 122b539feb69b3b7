-- A session is a hash. What is not an attribute has a name with a control character, which no attribute's name has.
-- All numbers are big-endian; times and intervals are milliseconds, and zero where there is none.
--
--   \1meta      the record: format 1, is handed out 1, previous ticket 1 (0 none, 1 some, 2 renewed, and the new one was
--               not seen yet), epoch 8, proof 32, next lapse 6; from byte 50 on what a load shows: version 6, accessed 6,
--               attributes 4, bytes 6, and from byte 72 on what the usual commit leaves as it is: created 6, max inactive
--               interval 6, ends at 6, ticket issued at 6, signed in at 6, length of the principal 2, principal, label;
--               and at the end the last eight commits 120 (half of the id 8, version 6, fate 1 of each, the newest first)
--   \1previous  the ticket before: replaced by 1 (1 a renewal, 2 with its seed, 3 a sign-in, 4 with another ticket),
--               proof 32, until 6, then the seed 16 or the other ticket's proof 32
--   a name      the attribute: format 1, revision 6, lapses at 6, value
local META, PREVIOUS = '\1meta', '\1previous'
local RECORD = '>BBBc8c32I6I6I6I4I6I6I6I6I6I6I2'
local FORMAT, FIXED, SHOWN, TEXTS, RECENT, HEADER, BRIEF = 1, 223, 50, 104, -120, 13, 56
local call, pack, read, sub = redis.call, struct.pack, struct.unpack, string.sub
