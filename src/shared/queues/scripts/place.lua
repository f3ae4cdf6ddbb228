-- Where runs, or the next runs of principals, are among those that wait in a queue; the words are those of turns.lua.
-- KEYS[1] prioritized   KEYS[2] wait   KEYS[3] order   KEYS[4] places   KEYS[5] members
-- ARGV: a run id, or an empty string and then the name of the principal; then of the next, ...
-- Answers for each the place, 0 when it has none, and how many runs of its share wait.
local prioritized, wait, order, places, members = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local first = redis.call('LLEN', wait) -- these are taken first, from the end of the list

-- How many runs of a share wait, and how many members of `order` and of `places` come before those of it; asked once.
local shares = {}
local function shared(share)
  local from, to = '[' .. share, '(' .. share .. ':'
  shares[share] = shares[share] or {
    waiting = redis.call('ZLEXCOUNT', places, from, to),
    ordered = redis.call('ZLEXCOUNT', order, '-', '(' .. share),
    placed = redis.call('ZLEXCOUNT', places, '-', '(' .. share),
  }
  return shares[share]
end

local function placeIn(share, rank)
  local known = shared(share)
  if rank >= known.waiting then return 0, known.waiting end
  -- By its rank in the whole set: a limit of a range would be counted through.
  local at = known.placed + rank
  local place = redis.call('ZRANGE', places, at, at)[1]
  return first + redis.call('ZCOUNT', prioritized, '-inf', '(' .. string.sub(place, 41)) + 1, known.waiting
end

local function placeOf(run, principal)
  if run == '' then return placeIn(redis.sha1hex(principal), 0) end
  local inWait = first > 0 and redis.call('LPOS', wait, run)
  if inWait then return first - inWait, 0 end
  local member = redis.call('HGET', members, run)
  if not member then
    local at = redis.call('ZRANK', prioritized, run)
    return at and first + at + 1 or 0, 0
  end
  local share = string.sub(member, 1, 40)
  local before = shared(share).ordered
  return placeIn(share, (redis.call('ZRANK', order, member) or before) - before)
end

local answers = {}
for at = 1, #ARGV, 2 do
  local place, waiting = placeOf(ARGV[at], ARGV[at + 1])
  answers[#answers + 1] = place
  answers[#answers + 1] = waiting
end
return answers
