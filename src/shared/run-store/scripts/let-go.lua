-- Lets go of the output and the prompt of an ended run before their time, and says so in its record. Answers 1, or 0 where
-- the record is gone already.
local run, events, request = KEYS[1], KEYS[2], KEYS[3]

redis.call('DEL', events, request)
if redis.call('EXISTS', run) == 0 then return 0 end
redis.call('HSET', run, 'letGo', 1)
return 1
