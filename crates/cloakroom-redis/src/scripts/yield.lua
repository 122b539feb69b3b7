-- Ends a turn. KEYS: whose turn it is. ARGV: the commit.
if call('GET', KEYS[1]) == ARGV[1] then call('DEL', KEYS[1]) end
return 'OK'
