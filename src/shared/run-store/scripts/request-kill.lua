-- Records that a kill was asked for. Answers { state, worker }. The time of the first request is kept; a later request
-- replaces signal, grace and reason.
local run = KEYS[1]
local signal = ARGV[1]
local grace_ms = ARGV[2]
local reason = ARGV[3]   -- '': none

local record = redis.call('HMGET', run, 'state', 'worker')
local state, worker = record[1], record[2]
if not state then return { 'unknown', '' } end
if state == 'queued' or state == 'running' or state == 'orphaned' then
  local time = redis.call('TIME')
  redis.call('HSETNX', run, 'killRequestedAt', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('HSET', run, 'killSignal', signal, 'killGraceMs', grace_ms)
  if reason ~= '' then redis.call('HSET', run, 'killReason', reason) end
end
return { state, worker or '' }
