-- A permit to run one more of a runner in the whole pool, and to start one more in this minute. Who holds one keeps it alive; of a
-- worker that died it runs out.
-- KEYS[1] running: run ids by when their permit runs out   KEYS[2] starts: run ids by when they were started
-- ARGV[1] run id   ARGV[2] the most at once, 0: no limit   ARGV[3] the most in a minute, 0: no limit   ARGV[4] how long it lasts (ms)
-- Answers 0 when it is given or was already, -1 when as many run as may, else in how many milliseconds the next may start.
local running, starts = KEYS[1], KEYS[2]
local run, mostAtOnce, mostInMinute, lastsMs = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local MINUTE = 60000
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

redis.call('ZREMRANGEBYSCORE', running, '-inf', now)
redis.call('ZREMRANGEBYSCORE', starts, '-inf', now - MINUTE)
if not redis.call('ZSCORE', running, run) then
  if mostAtOnce > 0 and redis.call('ZCARD', running) >= mostAtOnce then return -1 end
  local over = redis.call('ZCARD', starts) - mostInMinute
  if mostInMinute > 0 and over >= 0 then
    return math.max(1, redis.call('ZRANGE', starts, over, over, 'WITHSCORES')[2] + MINUTE - now)
  end
  redis.call('ZADD', starts, now, run)
end
redis.call('ZADD', running, now + lastsMs, run)
redis.call('PEXPIRE', running, math.max(lastsMs, MINUTE))
redis.call('PEXPIRE', starts, MINUTE)
return 0
