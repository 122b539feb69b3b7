-- Reads a session that the ticket opens, and records the access if it is due.
-- KEYS: the session, its bucket's epoch. ARGV: proof and terms, then the names of the wanted attributes.
local asks, everything, names, is_access, every = read('>c32BBBI6', ARGV[1])
local held = call('HMGET', KEYS[1], META, unpack(ARGV, 2))
local meta = held[1]
if not meta then return 'A' end
if #meta < FIXED then return (meta == '' or string.byte(meta) == FORMAT) and 'D' or 'F' end
local format, handed_out, before, epoch, proof, lapse, _, accessed, _, _, _, interval, ends, _, _, length =
  read(RECORD, meta)
if format ~= FORMAT then return 'F' end
if #meta < FIXED + length then return 'D' end
local deadline = accessed + interval
if ends > 0 and ends < deadline then deadline = ends end
if handed_out ~= 0 or now >= deadline or call('GET', KEYS[2]) ~= epoch then return 'A' end

local standing, seed, previous = 0, '', nil
if proof ~= asks or before == 2 then previous = call('HGET', KEYS[1], PREVIOUS) end
if proof ~= asks then
  standing = previous and standing_before(previous, asks, now, covers)
  if not standing then return 'A' end
  if standing >= 3 then return 'S' end
  if standing == 2 then seed = sub(previous, 40) end
end

if is_access == 1 then
  local arrived = standing == 0 and before == 2
  local is_throttled = now - accessed < every and now - accessed < interval / 10
  local is_due = now > accessed and (arrived or not is_throttled)
  if arrived or is_due then
    local seen = is_due and now or accessed
    local fields = { META, sub(meta, 1, 2) .. string.char(arrived and 1 or before) .. sub(meta, 4, SHOWN + 5)
      .. pack('>I6', seen) .. sub(meta, SHOWN + 12) }
    if arrived then
      fields[3], fields[4] = PREVIOUS, '\1' .. sub(previous, 2, 39)
    end
    deadline = seen + interval
    if ends > 0 and ends < deadline then deadline = ends end
    -- In this order also when memory is full: then a script may not begin with what takes memory, which this does not.
    call('PEXPIREAT', KEYS[1], string.format('%d', deadline + MARGIN))
    call('HSET', KEYS[1], unpack(fields))
  end
end

held[1] = pack('>c1I6Bc0c0', 'O', now, standing, seed, sub(meta, SHOWN, RECENT - 1))
local reply = cmsgpack.pack(held)
if everything == 0 and names == 0 then return reply end
