-- Applies the usual commit: with the current ticket it sets attributes that do not lapse, does nothing else, and is no retry.
-- Everything else is left to what follows, which begins anew. What is asked for, and the keys, are told there.
local meta = call('HGET', KEYS[1], META)
if not meta then return 'A' end
local wrong = defect(meta)
if wrong then return wrong end
if sub(ARGV[1], 63) == '\0\0\2\0\0\0\0\0\0\0' and #ARGV < 2000 and byte(meta, 2) == 0 and read('>I6', meta, 44) == 0
  and sub(meta, 12, 43) == sub(ARGV[1], 9, 40) and not string.find(meta, sub(ARGV[1], 1, 8), 50, true)
  and call('GET', KEYS[2]) == sub(meta, 4, 11) then
  local version, created, accessed, interval, ends, issued, count, bytes = read('>I6I6I6I6I6I6I4I6', meta, SHOWN)
  local age, most_value, most_bytes, most_attributes = read('>I6I6I6I4', ARGV[1], 41)
  local at = age < now and now - age or 0
  local deadline = earlier(ends, accessed + interval)
  local fits, count_before, bytes_before = at < deadline, count, bytes
  version = version + 1
  local header, changes, fields = pack('>BI6I6', FORMAT, version, 0), (#ARGV - 1) / 2, { META, '' }
  for i = 2, changes + 1 do
    local name, value = ARGV[i], ARGV[changes + i]
    local before = call('HSTRLEN', KEYS[1], name)
    if before > 0 then count, bytes = count - 1, bytes - #name - before + HEADER end
    if #value > most_value and #value > before - HEADER then fits = false end
    count, bytes = count + 1, bytes + #name + #value
    fields[2 * i - 1], fields[2 * i] = name, header .. value
  end
  if fits and (count <= most_attributes or count <= count_before) and (bytes <= most_bytes or bytes <= bytes_before) then
    if accessed < at then accessed = at end
    fields[2] = sub(meta, 1, 49) .. sub(meta, 65, 169) .. sub(ARGV[1], 1, 8) .. pack('>I6BI6I6I6I6I6I6I4I6', version, 0,
      version, created, accessed, interval, ends, issued, count, bytes) .. sub(meta, 216)
    call('HSET', KEYS[1], unpack(fields))
    -- Redis removes what has ended much later, so that it need not be told of every moment.
    local next_deadline = earlier(ends, accessed + interval)
    if next_deadline - next_deadline % STEP > deadline then
      call('PEXPIREAT', KEYS[1], string.format('%d', next_deadline + MARGIN))
    end
    return pack('>c1I6I6B', 'C', version, now, 0)
  end
end
