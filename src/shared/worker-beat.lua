-- Records what a worker says of itself, and when.
local reports, beats = KEYS[1], KEYS[2]
local worker, report = ARGV[1], ARGV[2]

local time = redis.call('TIME')
redis.call('HSET', reports, worker, report)
redis.call('ZADD', beats, time[1] * 1000 + math.floor(time[2] / 1000), worker)
return 1
