-- Where a run, or a principal's next run, is among those that wait in a queue; the words are those of turns.lua.
-- KEYS[1] prioritized   KEYS[2] wait   KEYS[3] order   KEYS[4] places   KEYS[5] members
-- ARGV[1] the run id, or an empty string   ARGV[2] else the name of the principal
-- Answers the place, 0 when it has none, and how many runs of its share wait.
local prioritized, wait, order, places, members = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local share, rank
if ARGV[1] == '' then
  share, rank = redis.sha1hex(ARGV[2]), 0
else
  local member = redis.call('HGET', members, ARGV[1])
  if not member then
    local at = redis.call('ZRANK', prioritized, ARGV[1])
    return { at and redis.call('LLEN', wait) + at + 1 or 0, 0 }
  end
  share = string.sub(member, 1, 40)
  rank = (redis.call('ZRANK', order, member) or 0) - redis.call('ZLEXCOUNT', order, '-', '(' .. share)
end
local from, to = '[' .. share, '(' .. share .. ':'
local place = redis.call('ZRANGEBYLEX', places, from, to, 'LIMIT', rank, 1)[1]
local before = place and redis.call('ZCOUNT', prioritized, '-inf', '(' .. string.sub(place, 41))
return { before and redis.call('LLEN', wait) + before + 1 or 0, redis.call('ZLEXCOUNT', places, from, to) }
