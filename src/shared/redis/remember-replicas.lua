-- Remembers how many replicas a master had, for all who write to it; answers how many have to confirm what is written.
local seen = KEYS[1]
local online, keepMs, leftMs = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

local known = tonumber(redis.call('GET', seen) or '0')
if online > 0 and online >= known then
  redis.call('SET', seen, online, 'PX', keepMs)
  return online
end
-- Some have left: they count until this key has gone.
if known > 0 and redis.call('PTTL', seen) > leftMs then redis.call('PEXPIRE', seen, leftMs) end
return known
