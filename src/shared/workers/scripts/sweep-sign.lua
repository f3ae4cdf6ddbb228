-- One worker of the pool sweeps for all. Whoever has the place gives a sign of life, which is another one each time; the place
-- is taken from one whose sign is `stale`. Answers the sign that stands now.
local place = KEYS[1]
local worker, stale = ARGV[1], ARGV[2]

local sign = redis.call('GET', place)
if sign and sign ~= stale and string.match(sign, '^(%S+) ') ~= worker then return sign end
local number = sign and tonumber(string.match(sign, ' (%d+)$')) or 0
sign = worker .. ' ' .. string.format('%d', number + 1)
redis.call('SET', place, sign)
return sign
