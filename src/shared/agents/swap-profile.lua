-- Writes a profile and its line in the list, or removes both, if it still is what was read. Answers 0 if it is not.
local profiles, list = KEYS[1], KEYS[2]
local name = ARGV[1]
local before = ARGV[2]    -- '': there was none
local after = ARGV[3]     -- '': remove it
local summary = ARGV[4]

if (redis.call('HGET', profiles, name) or '') ~= before then return 0 end
if after == '' then return redis.call('HDEL', profiles, name) + redis.call('HDEL', list, name) end
redis.call('HSET', profiles, name, after)
redis.call('HSET', list, name, summary)
return 1
