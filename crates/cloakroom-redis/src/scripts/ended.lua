-- Returns what is told of a session at its end: the length of what a load shows and that, then the count of the attributes
-- and the names, and what `values` adds.
local function told(session, meta, now, values)
  local lapse = read('>I6', meta, 44)
  local accessed, interval, ends = read('>I6I6I6', meta, SHOWN + 12)
  local until_then = math.min(now, earlier(ends, accessed + interval))
  local names, reply = {}, { pack('>c1I2', 'E', #meta - SHOWN + 1), sub(meta, SHOWN), '' }
  add_names(names, session, lapse, until_then)
  reply[3] = pack('>I4', #names / 2) .. table.concat(names)
  if values then values(reply, session) end
  return table.concat(reply)
end
