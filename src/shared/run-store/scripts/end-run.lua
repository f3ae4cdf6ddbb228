-- Ends a run. Answers { code, state, epoch, out, err, state before, time when it was queued, runner, session, resumed
-- session, time of Redis or 0, time from start to end or -1 }; code is 1 (ended), 0 (it may not) or -1 (output is missing: go on from out and err). All in
-- one step, so whoever is told of the end finds the result and all output, and what is kept for a time only gets it whoever
-- dies in between.
local run, events, request, result = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local channel = ARGV[1]
local from = ARGV[2]                 -- the states it may be in, with commas
local to = ARGV[3]
local owner_epoch = ARGV[4]          -- '': any
local out_needed = ARGV[5]           -- bytes that the stream must have; '': any
local err_needed = ARGV[6]
local event = ARGV[7]
local result_text = ARGV[8]          -- '': none
local output_retention_ms = ARGV[9]
local record_retention_ms = ARGV[10]
local ago_ms = tonumber(ARGV[11])    -- since its program ended; no end is before the start
local FIRST_FIELD = 12               -- then field, value, ...
local SHORT_BYTES = 2048

local record = redis.call('HMGET', run, 'state', 'epoch', 'out', 'err', 'startedAt', 'claimedAt',
  'queuedAt', 'runner', 'sessionId', 'resumes')
local state, epoch, out, err = record[1], record[2], tonumber(record[3]), tonumber(record[4])
if not state then return { 0, 'unknown', 0, 0, 0, '', 0, '', '', '', 0, -1 } end
local now, duration = 0, -1
local function answer(code, now_state)
  return { code, now_state, tonumber(epoch), out, err,
    state, tonumber(record[7]), record[8], record[9] or '', record[10] or '', now, duration }
end
local is_allowed = string.find(',' .. from .. ',', ',' .. state .. ',', 1, true)
if not is_allowed or (owner_epoch ~= '' and owner_epoch ~= epoch) then
  return answer(0, state)
end
if out_needed ~= '' and (tonumber(out_needed) ~= out or tonumber(err_needed) ~= err) then
  return answer(-1, state)
end

-- The id of the entry is the time of Redis, which is asked no second time.
now = tonumber(string.match(redis.call('XADD', events, '*', 'k', 'state', 'd', event), '^%d+'))
if result_text ~= '' then redis.call('SET', result, result_text, 'PX', record_retention_ms) end
-- When the clock of Redis has gone back, what comes later in the life of a run is not recorded as earlier.
local ended_at = now - ago_ms
for i = 5, 7 do
  if record[i] then ended_at = math.max(ended_at, tonumber(record[i])) end
end
if record[5] then duration = ended_at - tonumber(record[5]) end
local fields = { 'state', to, 'endedAt', ended_at, 'endRecordedAt', math.max(now, ended_at), unpack(ARGV, FIRST_FIELD) }
redis.call('HSET', run, 'launchFacts', '', unpack(fields)) -- only who takes a program over wants these
-- What is written anew takes the least room: a stream has some for entries to come (4 KiB), and a hash that ever had a long
-- value keeps a form of three times the size. Where the user of Redis may not RESTORE, it stays as it is.
local function keep_for(key, ms, is_anew)
  local text = is_anew and redis.pcall('DUMP', key)
  local restored = type(text) == 'string' and redis.pcall('RESTORE', key, ms, text, 'REPLACE')
  if type(restored) ~= 'table' or restored.ok == nil then redis.call('PEXPIRE', key, ms) end
end
keep_for(events, output_retention_ms, out + err < SHORT_BYTES)
keep_for(request, output_retention_ms)
keep_for(run, record_retention_ms, true)
redis.call('PUBLISH', channel, to)
return answer(1, to)
