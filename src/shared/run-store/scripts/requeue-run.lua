-- Gives a run that its owner could not start back to its queue. Done twice it does the same. Answers { code, state,
-- epoch }, where code is 1 (queued again), 0 (it may not), or why its owner has to end it instead: -1 (somebody asked for
-- that), -2 (its program was started once), -3 (too many errors).
local run, events = KEYS[1], KEYS[2]
local channel = ARGV[1]
local from = ARGV[2]              -- the states it may be in, with commas
local owner_epoch = ARGV[3]
local event = ARGV[4]
local most_errors = ARGV[5]       -- '' when this does not count as an error

local record = redis.call('HMGET', run, 'state', 'epoch', 'killRequestedAt', 'pid', 'out', 'err', 'errors')
local state, epoch, kill_requested_at, pid, out, err = unpack(record, 1, 6)
local errors = tonumber(record[7] or 0)
if not state then return { 0, 'unknown', 0 } end
if epoch ~= owner_epoch or not string.find(',' .. from .. ',', ',' .. state .. ',', 1, true) then
  return { 0, state, tonumber(epoch) }
end
if kill_requested_at then return { -1, state, tonumber(epoch) } end
if pid or out ~= '0' or err ~= '0' then return { -2, state, tonumber(epoch) } end
if most_errors ~= '' then
  if errors >= tonumber(most_errors) then return { -3, state, tonumber(epoch) } end
  redis.call('HINCRBY', run, 'errors', 1)
end
redis.call('HSET', run, 'state', 'queued')
redis.call('HDEL', run, 'worker', 'host', 'claimedAt', 'orphanedAt', 'launched', 'launchFacts', 'waitReason')
redis.call('XADD', events, '*', 'k', 'state', 'd', event)
redis.call('PUBLISH', channel, 'queued')
return { 1, 'queued', tonumber(epoch) }
