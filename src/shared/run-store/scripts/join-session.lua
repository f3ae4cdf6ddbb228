-- Puts a run at the end of the waiters of a session, once. Answers the run that holds the session: the first.
local waiters = KEYS[1]
local run = ARGV[1]
local forget_ms = ARGV[2]

local last = redis.call('ZRANGE', waiters, -1, -1, 'WITHSCORES')
redis.call('ZADD', waiters, 'NX', last[2] and last[2] + 1 or 0, run)
redis.call('PEXPIRE', waiters, forget_ms)
return redis.call('ZRANGE', waiters, 0, 0)[1]
