-- Remembers how many replicas a master had, for all who write to it; answers how many have to confirm what is written.
-- One that has left counts for `leftMs` more. `syncs` is how often a replica has begun to follow this server, and
-- `syncsBefore` how much of that may be older than its time as the master: one may come and leave between two looks.
local seen = KEYS[1]
local online, syncing, syncs, syncsBefore = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local keepMs, leftMs = ARGV[5], tonumber(ARGV[6])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = tonumber(redis.call('HGET', seen, 'replicas') or '0')
local countsUntil = tonumber(redis.call('HGET', seen, 'countsUntil') or '0')
local counted = tonumber(redis.call('HGET', seen, 'syncs') or syncsBefore)

local function remember(replicas, till)
  redis.call('HSET', seen, 'replicas', replicas, 'countsUntil', string.format('%.0f', till), 'syncs', syncs)
  redis.call('PEXPIRE', seen, keepMs)
  return replicas
end

if online > 0 and online >= known then return remember(online, 0) end
if known > 0 then
  -- Some have left. The clock may have gone back since that was seen.
  if countsUntil == 0 or countsUntil > now + leftMs then return remember(known, now + leftMs) end
  if now < countsUntil then return known end
  return remember(online, 0)
end
if syncing > 0 then return 0 end
if syncs > counted then return remember(1, now + leftMs) end
return remember(0, 0)
