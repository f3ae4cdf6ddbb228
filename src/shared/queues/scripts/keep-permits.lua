-- The permits of runs that go on last longer from now; one that ran out meanwhile, or was taken over, is there again.
-- KEYS[1] running: run ids by when their permit runs out   ARGV[1] how long they last (ms)   ARGV[2...] run ids
local running, lastsMs = KEYS[1], tonumber(ARGV[1])

local clock = redis.call('TIME')
local till = clock[1] * 1000 + math.floor(clock[2] / 1000) + lastsMs
for at = 2, #ARGV do redis.call('ZADD', running, till, ARGV[at]) end
redis.call('PEXPIRE', running, math.max(lastsMs, 60000))
return #ARGV - 1
