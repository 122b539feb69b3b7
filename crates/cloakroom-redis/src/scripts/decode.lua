-- Returns what of a record decides whether a session is live, and whose it is.
local function decode(meta)
  local _, handed_out, _, epoch, proof, _, _, accessed, _, _, _, interval, ends, _, _, length = read(RECORD, meta)
  return {
    is_over = handed_out ~= 0 or now >= earlier(ends, accessed + interval), deadline = earlier(ends, accessed + interval),
    epoch = epoch, proof = proof, principal = sub(meta, TEXTS, TEXTS + length - 1),
  }
end
