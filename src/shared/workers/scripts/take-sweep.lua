-- One worker of the pool sweeps for all. The place is taken when it is free, or nobody has taken it since it was `stale`; answers
-- whose it is then: its id, and a number that grows each time.
local place = KEYS[1]
local worker, stale = ARGV[1], ARGV[2]

local holder = redis.call('GET', place)
if holder and holder ~= stale then return holder end
local number = holder and tonumber(string.match(holder, ' (%d+)$')) or 0
holder = worker .. ' ' .. string.format('%d', number + 1)
redis.call('SET', place, holder)
return holder
