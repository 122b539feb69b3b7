local function is_attribute(name)
  return string.byte(name) ~= 1
end

-- Returns whether the attribute has lapsed.
local function has_lapsed(value, at)
  if #value < HEADER then return false end
  local lapses = read('>I6', value, 8)
  return lapses > 0 and lapses <= at
end

-- Adds the length and the name of each attribute.
local function add_names(reply, session, lapse, at)
  if lapse > 0 and lapse <= at then
    local all = call('HGETALL', session)
    for i = 1, #all, 2 do
      if is_attribute(all[i]) and not has_lapsed(all[i + 1], at) then
        reply[#reply + 1] = pack('>I2', #all[i])
        reply[#reply + 1] = all[i]
      end
    end
    return
  end
  for _, name in ipairs(call('HKEYS', session)) do
    if is_attribute(name) then
      reply[#reply + 1] = pack('>I2', #name)
      reply[#reply + 1] = name
    end
  end
end

-- Adds length and name, length and value of each attribute.
local function add_everything(reply, all)
  for i = 1, #all, 2 do
    local name, value = all[i], all[i + 1]
    if is_attribute(name) then
      reply[#reply + 1] = pack('>I2', #name)
      reply[#reply + 1] = name
      reply[#reply + 1] = pack('>I4', #value)
      reply[#reply + 1] = value
    end
  end
end
