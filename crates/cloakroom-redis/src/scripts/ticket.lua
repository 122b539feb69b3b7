-- Returns how the ticket before is replaced (see \1previous) if this proof is remembered with it.
local function covers(previous, asks)
  local by = string.byte(previous)
  if string.sub(previous, 2, 33) == asks or (by == 4 and string.sub(previous, 40, 71) == asks) then return by end
end

-- The same, as long as it is remembered.
local function standing_before(previous, asks, at, covers)
  if at < struct.unpack('>I6', previous, 34) then return covers(previous, asks) end
end
