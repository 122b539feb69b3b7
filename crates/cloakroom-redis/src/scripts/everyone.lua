-- Ends all sessions of some buckets: each was created in an epoch, which is over when its key is gone.
-- KEYS: the epoch, the index, and the index of what is left to be removed, of each bucket.
for i = 1, #KEYS, 3 do
  call('DEL', KEYS[i])
  if call('EXISTS', KEYS[i + 1]) == 1 then call('RENAMENX', KEYS[i + 1], KEYS[i + 2]) end
end
return 'OK'
