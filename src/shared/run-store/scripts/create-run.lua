-- Writes a queued run. Answers 1, or 0 when there is a run with this id already. Nobody is told: nobody knows it yet.
local run, events, request = KEYS[1], KEYS[2], KEYS[3]
local order = ARGV[1]
local FIRST_FIELD = 2 -- then field, value, ...

if redis.call('EXISTS', run) == 1 then return 0 end
redis.call('HSET', run, 'state', 'queued', 'epoch', 0, 'out', 0, 'err', 0, 'outDropped', 0, 'errDropped', 0,
  unpack(ARGV, FIRST_FIELD))
redis.call('SET', request, order)
redis.call('XADD', events, '*', 'k', 'state', 'd', '{"state":"queued"}')
return 1
