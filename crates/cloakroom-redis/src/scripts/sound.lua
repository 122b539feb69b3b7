-- What every call passes uses no variable of the script around it, as making such a function costs as much as calling a
-- command.
local function earlier(one, other)
  if one == 0 or (other > 0 and other < one) then return other end
  return one
end

-- Returns what is wrong with a record: F is another format, D is damage.
local function defect(meta)
  if string.byte(meta) ~= 1 then return meta == '' and 'D' or 'F' end
  if #meta < 223 or #meta < 223 + struct.unpack('>I2', meta, 102) then return 'D' end
end
