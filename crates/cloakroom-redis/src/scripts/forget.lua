-- Removes sessions from a principal's that are no longer theirs, unless they were entered again since.
-- KEYS: the principal's sessions. ARGV: for how many microseconds an entry stays; handle and score of each, or an empty
-- score if any will do.
local now_us = seconds * 1000000 + micros
for i = 2, #ARGV, 2 do
  local score = call('ZSCORE', KEYS[1], ARGV[i])
  if score and (score == ARGV[i + 1] or ARGV[i + 1] == '') and score + ARGV[1] < now_us then
    call('ZREM', KEYS[1], ARGV[i])
  end
end
return 'OK'
