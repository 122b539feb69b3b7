-- Returns how the ticket before is replaced (see \1previous) if this proof is remembered with it.
local function covers(previous, asks)
  local by = byte(previous)
  if sub(previous, 2, 33) == asks or (by == 4 and sub(previous, 40, 71) == asks) then return by end
end

-- The same, as long as it is remembered.
local function standing_before(previous, asks, at)
  if at < read('>I6', previous, 34) then return covers(previous, asks) end
end
