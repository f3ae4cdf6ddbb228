-- Fair turns between the principals whose runs wait in one queue (start-time fair queueing): BullMQ takes the job with the
-- lowest score, and a score begins with a turn. A principal's next run gets the turn after that of its last one, and no turn
-- before the one that the queue is at, so whoever has thousands of runs has thousands of turns and a newcomer has the present
-- one. Which of a principal's runs has which of its places does not matter until a place is at the head: then its best run
-- (priority, then agent names in turn, then first come) is put there.
-- KEYS[1] prioritized (BullMQ's)   KEYS[2] wait (BullMQ's)   KEYS[3] pc (BullMQ's counter)
-- KEYS[4] order: the waiting runs of each principal, best first; a member is share, priority, agent's turn, number, run id
-- KEYS[5] places: the scores that each principal's runs have
-- KEYS[6] members: the member of `order`, by run id
-- KEYS[7] times: `v` is the turn that the queue is at; by share, and by share and agent name, the turns within a share
-- KEYS[8] served: the shares that had their run of this turn
-- KEYS[9] taken: run ids that a worker is about to take, by time   KEYS[10] delayed (BullMQ's)
-- ARGV[1] give | take | leave   ARGV[2] prefix of the keys of jobs   ARGV[3] run id, for leave
-- Answers -1 when it is to be asked again, because there were too many new jobs for one step; else, for take, how many jobs
-- wait, those for a time too.
local prioritized, wait, counter, order, places = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local members, times, served, taken, delayed = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local prefix = ARGV[2]

local STEP = 4294967296 -- BullMQ: score = priority * 2^32 + number
local NEW = 2097151 -- the priority of a job that has no turn yet; the last that BullMQ takes
local HAD = 1 -- of a job whose turn has come: given back, or promoted when its session is free, it is first again
local FIRST = 2
local REBASE = 1048576
local MOST_NEW = 1000 -- that get a turn in one step, so that Redis is not held up
local MOST_TAKEN = 64
local TAKEN_MS = 2000
local ABOUT_TO_MS = 100 -- within this time a worker takes the job that it was told to
local SERVED_S = 86400

local function number(value) return tonumber(value or 0) or 0 end
local function turnOf(score) return math.floor(score / STEP) end
local function placeOf(share, score) return share .. string.format('%016.0f', score) end
local function present() return math.max(FIRST, number(redis.call('HGET', times, 'v'))) end
local function put(id, score)
  redis.call('ZADD', prioritized, score, id)
  redis.call('HSET', prefix .. id, 'priority', turnOf(score))
end

-- A share is 40 hexadecimal digits, and what follows it are digits.
local function last(share)
  local place = redis.call('ZREVRANGEBYLEX', places, '(' .. share .. ':', '[' .. share, 'LIMIT', 0, 1)[1]
  return place and tonumber(string.sub(place, 41))
end

local function best(share)
  return redis.call('ZRANGEBYLEX', order, '[' .. share, '(' .. share .. ':', 'LIMIT', 0, 1)[1]
end

local function shareOf(request) return redis.sha1hex(request.principal or 'local') end

-- What turns are given by, asked once for each share and each agent name of a share.
local function lookups()
  local now, shares, agents = present(), {}, {}
  local function share(name)
    shares[name] = shares[name] or {
      first = now + redis.call('SISMEMBER', served, name),
      last = last(name),
      inner = number(redis.call('HGET', times, name)),
    }
    return shares[name]
  end
  local function agent(name)
    agents[name] = agents[name] or number(redis.call('HGET', times, name))
    return agents[name]
  end
  return share, agent, agents
end

-- Gives new jobs their turns; what is written for all of them goes into one command for each key. Answers whether there may be
-- more.
local function giveAll()
  local new = redis.call('ZRANGEBYSCORE', prioritized, NEW * STEP, '+inf', 'LIMIT', 0, MOST_NEW)
  if #new == 0 then return false end
  local serial = redis.call('INCRBY', counter, #new) - #new
  local shareNamed, innerOf, agents = lookups()
  local scored, ordered, placed, listed, counted = {}, {}, {}, {}, {}
  local function add(list, first, second)
    list[#list + 1] = first
    list[#list + 1] = second
  end
  for _, id in ipairs(new) do
    serial = serial + 1
    local data, had = unpack(redis.call('HMGET', prefix .. id, 'data', 'ats'))
    if not data then add(scored, HAD * STEP, id) -- whoever takes it finds that it is gone
    else
      local request = cjson.decode(data)
      local name = shareOf(request)
      local share, agent = shareNamed(name), name .. (request.agentName or '-')
      local turn = share.last and math.max(share.first, turnOf(share.last) + 1) or share.first
      -- A million runs of one principal in one queue, and more, are in the order in which they came.
      local score = math.min(turn, NEW - 1) * STEP + serial % STEP
      local inner = 0 -- one that a worker has had, and delayed, is the first of its share again
      if not had then
        inner = math.max(share.inner, innerOf(agent))
        agents[agent] = inner + 1
        counted[agent] = inner + 1
      end
      share.last = math.max(score, share.last or 0)
      local member = name .. string.format('%07d%010d%010.0f', request.priority or 0, inner, serial % STEP) .. id
      redis.call('HSET', prefix .. id, 'priority', turnOf(score))
      add(scored, score, id)
      add(ordered, 0, member)
      add(placed, 0, placeOf(name, score))
      add(listed, id, member)
    end
  end
  local inner = {}
  for agent, value in pairs(counted) do add(inner, agent, value) end
  redis.call('ZADD', prioritized, unpack(scored))
  if #ordered > 0 then
    redis.call('ZADD', order, unpack(ordered))
    redis.call('ZADD', places, unpack(placed))
    redis.call('HSET', members, unpack(listed))
  end
  if #inner > 0 then redis.call('HSET', times, unpack(inner)) end
  return #new == MOST_NEW
end

-- A run waits no longer; answers its turn within its share.
local function forget(id, member)
  local share, inner = string.sub(member, 1, 40), tonumber(string.sub(member, 48, 57))
  redis.call('ZREM', order, member)
  redis.call('HDEL', members, id)
  local agent = share .. (redis.call('HGET', prefix .. id, 'name') or '-')
  if number(redis.call('HGET', times, agent)) == inner + 1 then redis.call('HDEL', times, agent) end
  return inner
end

-- Turns begin at the first again, before they reach the end of BullMQ's priorities: once in a million turns.
local function rebase()
  local less = present() - FIRST
  local entries = redis.call('ZRANGE', prioritized, 0, -1, 'WITHSCORES')
  redis.call('DEL', places)
  for at = 1, #entries, 2 do
    local id, score = entries[at], tonumber(entries[at + 1])
    local turn = math.max(HAD, turnOf(score) - less)
    local member = redis.call('HGET', members, id)
    score = turn * STEP + score % STEP
    redis.call('ZADD', prioritized, score, id)
    if member then
      put(id, score)
      redis.call('ZADD', places, 0, placeOf(string.sub(member, 1, 40), score))
    end
  end
  redis.call('HSET', times, 'v', FIRST)
end

local function serve(share)
  if redis.call('SADD', served, share) == 1 then redis.call('EXPIRE', served, SERVED_S) end
end

local function goOn(share, turn)
  if turn > present() then
    redis.call('DEL', served)
    redis.call('HSET', times, 'v', turn)
  end
  serve(share)
end

-- The place at the head belongs to a share: its best run gets it. Answers the run.
local function exchange(id, share)
  local place = tonumber(redis.call('ZSCORE', prioritized, id))
  local member, chosen, other
  repeat
    member = best(share)
    if not member then
      redis.call('HDEL', members, id)
      return id
    end
    chosen = string.sub(member, 68)
    other = redis.call('ZSCORE', prioritized, chosen)
    if not other then forget(chosen, member) end -- gone without us: on Bull Board, or to a worker of the release before
  until other
  if chosen ~= id then
    put(chosen, place)
    put(id, tonumber(other))
  end
  redis.call('HSET', prefix .. chosen, 'priority', HAD)
  redis.call('ZREMRANGEBYLEX', places, '[' .. share, '[' .. placeOf(share, place))
  local inner = forget(chosen, member)
  if last(share) then redis.call('HSET', times, share, math.max(inner, number(redis.call('HGET', times, share))))
  else redis.call('HDEL', times, share) end
  goOn(share, turnOf(place))
  return chosen
end

local function waiting()
  return redis.call('LLEN', wait) + redis.call('ZCARD', prioritized) + redis.call('ZCARD', delayed)
end

local function timeMs()
  local clock = redis.call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- Whether another worker was told to take a job, and has not come yet: whoever asks meanwhile would ask BullMQ in vain.
local function isAboutToBeTaken(id)
  local told = number(redis.call('ZSCORE', taken, id))
  local ago = timeMs() - told
  if ago < 0 or ago > ABOUT_TO_MS then return false end
  return number(redis.call('HGET', prefix .. id, 'processedOn')) < told -- else it was taken, and is back
end

-- A job that waits alone, and has no turn yet, is next without one; its share has had its run of this turn then. What comes
-- before it is taken gets its turn after it. Answers how many jobs there are for who asks; nil where that is not all.
local function takeTheOnly()
  local only = redis.call('ZRANGE', prioritized, 0, 1, 'WITHSCORES')
  if #only ~= 2 then return nil end
  if tonumber(only[2]) < NEW * STEP then return isAboutToBeTaken(only[1]) and 0 or nil end
  local data = redis.call('HGET', prefix .. only[1], 'data')
  if not data then return nil end
  put(only[1], HAD * STEP)
  redis.call('ZADD', taken, timeMs(), only[1])
  serve(shareOf(cjson.decode(data)))
  return 1
end

-- Decides the next run, beyond those that other workers are about to take: as many are decided as are taken.
local function take()
  if redis.call('LLEN', wait) > 0 then return end -- BullMQ takes these first: stalled ones, and those of the release before
  if present() > REBASE then rebase() end
  local now = timeMs()
  redis.call('ZREMRANGEBYSCORE', taken, '-inf', now - TAKEN_MS)
  for _, id in ipairs(redis.call('ZRANGE', prioritized, 0, MOST_TAKEN - 1)) do
    if not redis.call('ZSCORE', taken, id) then
      local member = redis.call('HGET', members, id)
      local chosen = member and exchange(id, string.sub(member, 1, 40)) or id -- else its turn had come already
      redis.call('ZADD', taken, now, chosen)
      return
    end
  end
end

-- A waiting run goes, and with it the last place of its share: the runs behind it move up.
local function leave(id)
  local member = redis.call('HGET', members, id)
  if not member then return end
  local share = string.sub(member, 1, 40)
  local score = tonumber(redis.call('ZSCORE', prioritized, id) or nil)
  local behind = last(share)
  if score and behind and behind > score then
    local mover = redis.call('ZRANGEBYSCORE', prioritized, behind, behind)[1]
    if mover then
      put(mover, score)
      put(id, behind)
      score = behind
    end
  end
  if score then redis.call('ZREM', places, placeOf(share, score)) end
  forget(id, member)
  if not last(share) then redis.call('HDEL', times, share) end
end

if ARGV[1] == 'leave' then
  leave(ARGV[3])
  return 0
end
-- What most questions find, nothing or one new job, takes the fewest commands: all workers that were told of a job ask.
if ARGV[1] == 'take' then
  local there = redis.call('EXISTS', wait, prioritized, delayed)
  if there == 0 then return 0 end
  local only = there == 1 and takeTheOnly()
  if only then return only end
end
local all = waiting()
if giveAll() then return -1 end
if ARGV[1] == 'take' then take() end
return all
