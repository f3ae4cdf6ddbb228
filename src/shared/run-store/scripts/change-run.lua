-- Changes a run that is in one of some states and, if an epoch is given, still has it. Answers
-- { changed, state, epoch, state before, time when it was queued, when its kill was requested, output so far: out, err }.
local run, events = KEYS[1], KEYS[2]
local channel = ARGV[1]
local from = ARGV[2]              -- the states it may be in, with commas
local to = ARGV[3]                -- '': it stays what it is
local owner_epoch = ARGV[4]       -- '': any
local is_new_owner = ARGV[5] == '1'
local time_field = ARGV[6]        -- gets the time; '': none
local event = ARGV[7]             -- '': none
local word = ARGV[8]              -- what is told to those who listen; '': the state
local FIRST_FIELD = 9             -- then field, value, ...

local record = redis.call('HMGET', run, 'state', 'epoch', 'queuedAt', 'claimedAt', 'startedAt', 'killRequestedAt',
  'out', 'err')
local state, epoch = record[1], record[2]
if not state then return { 0, 'unknown', 0, '', 0, '', 0, 0 } end
local before = state
local function answer(changed)
  return { changed, state, tonumber(epoch), before, tonumber(record[3]), record[6] or '',
    tonumber(record[7] or 0), tonumber(record[8] or 0) }
end
local is_allowed = string.find(',' .. from .. ',', ',' .. state .. ',', 1, true)
if not is_allowed or (owner_epoch ~= '' and owner_epoch ~= epoch) then
  return answer(0)
end

local fields = { unpack(ARGV, FIRST_FIELD) }
local function set(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
if to ~= '' then
  set('state', to)
  state = to
end
-- The id of an entry is the time of Redis, which is asked no second time.
local entry = event ~= '' and redis.call('XADD', events, '*', 'k', 'state', 'd', event)
if is_new_owner or time_field ~= '' then
  local now = entry and tonumber(string.match(entry, '^%d+'))
  if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  if is_new_owner then
    -- At least the time: should Redis forget an epoch in a crash, the next one is another all the same.
    epoch = string.format('%.0f', math.max(tonumber(epoch) + 1, now))
    set('epoch', epoch)
  end
  if time_field ~= '' then
    -- When the clock of Redis has gone back, what comes later in the life of a run is not recorded as earlier.
    local at = now
    for i = 3, 5 do
      if record[i] then at = math.max(at, tonumber(record[i])) end
    end
    set(time_field, string.format('%.0f', at))
  end
end
if #fields > 0 then redis.call('HSET', run, unpack(fields)) end
if to ~= '' or event ~= '' then -- else nothing that is shown has changed
  redis.call('PUBLISH', channel, word ~= '' and word or state)
end
return answer(1)
