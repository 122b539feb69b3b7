-- Applies the usual commit: with the current ticket it sets attributes that do not lapse, does nothing else, and is no retry.
-- Everything else is left to what follows, which begins anew. What is asked for, and the keys, are told there.
local meta = call('HGET', KEYS[1], META)
if meta and #meta >= FIXED and #ARGV[1] == BRIEF and #ARGV < 2000 then
  local format, handed_out, _, epoch, proof, lapse, version, accessed, count, bytes, _, interval, ends, _, _, length =
    read(RECORD, meta)
  local id, asks, most_value, most_bytes, most_attributes = read('>c8c32I6I6I4', ARGV[1])
  local deadline = accessed + interval
  if ends > 0 and ends < deadline then deadline = ends end
  if proof == asks and format == FORMAT and #meta >= FIXED + length and handed_out == 0 and lapse == 0 and now < deadline
    and not string.find(meta, id, RECENT, true) and call('GET', KEYS[2]) == epoch then
    local fits, count_before, bytes_before = true, count, bytes
    for i = 2, #ARGV, 2 do
      local name, size = ARGV[i], #ARGV[i + 1]
      local before = call('HSTRLEN', KEYS[1], name) - HEADER
      if size > most_value and size > before then fits = false end
      if before >= 0 then
        bytes = bytes - before + size
      else
        count, bytes = count + 1, bytes + #name + size
      end
    end
    if fits and (count <= most_attributes or count <= count_before) and (bytes <= most_bytes or bytes <= bytes_before) then
      version = version + 1
      local header = pack('>BI6I6', FORMAT, version, 0)
      for i = 3, #ARGV, 2 do
        ARGV[i] = header .. ARGV[i]
      end
      if accessed < now then accessed = now end
      ARGV[1] = pack('>c0I6I6I4I6c0c8I6Bc0', sub(meta, 1, 49), version, accessed, count, bytes, sub(meta, 72, -121), id,
        version, 0, sub(meta, RECENT, -16))
      call('HSET', KEYS[1], META, unpack(ARGV))
      -- Redis removes what has ended much later, so that it need not be told of every moment.
      local next_deadline = accessed + interval
      if ends > 0 and ends < next_deadline then next_deadline = ends end
      if next_deadline - next_deadline % STEP > deadline then
        call('PEXPIREAT', KEYS[1], string.format('%d', next_deadline + MARGIN))
      end
      return pack('>c1I6I6B', 'C', version, now, 0)
    end
  end
end
