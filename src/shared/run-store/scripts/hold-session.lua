-- Puts a run before all waiters of a session: its program uses the session already.
local waiters = KEYS[1]
local run = ARGV[1]
local forget_ms = ARGV[2]

local first = redis.call('ZRANGE', waiters, 0, 0, 'WITHSCORES')
if first[1] ~= run then redis.call('ZADD', waiters, first[2] and first[2] - 1 or 0, run) end
redis.call('PEXPIRE', waiters, forget_ms)
return 1
