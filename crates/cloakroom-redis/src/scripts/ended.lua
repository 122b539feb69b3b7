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
