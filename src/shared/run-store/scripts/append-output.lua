-- Appends output of a running run. Answers { code, out, err }; code is 1 (all of it is in), 0 (an offset was not the next
-- one: go on from out and err) or -1 (not yours any more). Idempotent by offset, so an answer that got lost does no harm.
-- Over the cap the oldest output goes first. What nobody can send any more is a chunk of the kind outGone or errGone, without
-- bytes and with their number instead of lines.
local run, events = KEYS[1], KEYS[2]
local channel = ARGV[1]
local owner_epoch = ARGV[2]
local cap = tonumber(ARGV[3])   -- bytes
local FIRST_CHUNK = 4           -- then kind, offset, bytes, lines, ...

local record = redis.call('HMGET', run, 'epoch', 'state', 'out', 'err', 'outDropped', 'errDropped', 'lines')
if record[1] ~= owner_epoch or record[2] ~= 'running' then return { -1, 0, 0 } end
local at = { out = tonumber(record[3]), err = tonumber(record[4]) }
local dropped = { out = tonumber(record[5]), err = tonumber(record[6]) }

local has_dropped = false
local function drop_oldest()
  local kept = at.out + at.err - dropped.out - dropped.err
  if kept <= cap then return end
  local goal = cap - math.floor(cap / 16)
  local from = '-'
  while kept > goal do
    local page = redis.call('XRANGE', events, from, '+', 'COUNT', 32)
    if #page == 0 then break end
    for _, entry in ipairs(page) do
      if kept <= goal then break end
      local kind = entry[2][2]
      if kind == 'out' or kind == 'err' then
        local size = #entry[2][6]
        kept = kept - size
        dropped[kind] = dropped[kind] + size
      end
      from = '(' .. entry[1]
    end
  end
  local first = redis.call('XRANGE', events, from, '+', 'COUNT', 1)[1]
  if first then redis.call('XTRIM', events, 'MINID', first[1]) end
  has_dropped = true
end

local code = 1
local is_added = false
local last -- the id of the last entry, which is the time of Redis
local lines = 0
for i = FIRST_CHUNK, #ARGV, 4 do
  local kind, offset, bytes, count = string.sub(ARGV[i], 1, 3), ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  if tonumber(offset) ~= at[kind] then
    code = 0
    break
  end
  if ARGV[i] == kind then
    last = redis.call('XADD', events, '*', 'k', kind, 'o', offset, 'd', bytes)
    at[kind] = at[kind] + #bytes
    lines = lines + count
  else
    at[kind] = at[kind] + count
    dropped[kind] = dropped[kind] + count
    has_dropped = true
  end
  is_added = true
end
if is_added then
  drop_oldest()
  if has_dropped then redis.call('HSET', run, 'outDropped', dropped.out, 'errDropped', dropped.err) end
  redis.call('HSET', run, 'out', at.out, 'err', at.err, 'lines', tonumber(record[7] or 0) + lines,
    unpack(last and { 'lastOutputAt', string.match(last, '^%d+') } or {}))
  redis.call('PUBLISH', channel, 'output')
end
return { code, at.out, at.err }
