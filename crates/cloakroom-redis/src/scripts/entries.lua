-- Lists the sessions of a principal, each with its score. A script, as its answer is the same over either protocol.
-- KEYS: the principal's sessions.
return call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
