-- Keeps what has ended until it was handed out and the lease is over, also where the margin was longer when the key's end was
-- set: an end in the past would remove the key. When memory is full, a script may not begin with what takes memory, which this
-- does not.
local function keep(session, r, lease)
  local kept_until = math.max(r.deadline + MARGIN, now + math.max(lease, 60000))
  call('PEXPIREAT', session, string.format('%d', kept_until))
end

-- Returns what is told of a session at its end: the length of what a load shows and that, then the count of the attributes
-- and the names, and what `values` adds.
local function told(session, meta, now, values)
  local _, _, _, _, _, lapse, _, accessed, _, _, _, interval, ends = read(RECORD, meta)
  local until_then = math.min(now, earlier(ends, accessed + interval))
  local names, reply = {}, { 'E', pack('>I2c0', #meta - SHOWN + 1 + RECENT, sub(meta, SHOWN, RECENT - 1)), '' }
  add_names(names, session, lapse, until_then)
  reply[3] = pack('>I4', #names / 2) .. table.concat(names)
  if values then values(reply, session) end
  return table.concat(reply)
end
