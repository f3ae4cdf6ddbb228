-- Records what a worker says of itself, and when; answers whether it, or its host, is cordoned.
local reports, beats, cordons = KEYS[1], KEYS[2], KEYS[3]
local worker, report, host = ARGV[1], ARGV[2], ARGV[3]

local time = redis.call('TIME')
redis.call('HSET', reports, worker, report)
redis.call('ZADD', beats, time[1] * 1000 + math.floor(time[2] / 1000), worker)
local cordoned = redis.call('HMGET', cordons, worker, host)
return (cordoned[1] or cordoned[2]) and 1 or 0
