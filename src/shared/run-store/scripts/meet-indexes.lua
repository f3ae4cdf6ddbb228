-- Reads an index from its newest entry on, and answers which of the entries are in some other indexes, too, and with which
-- scores in further ones. KEYS: the index, those that an entry has to be in, those of which the score is told.
-- Answers { entries read, id of the last of them, its score, what is told of each that is in all }: its id and its scores, or
-- - where it has none, all with spaces between. One text is read faster than thousands of values, and a score that nobody
-- asks for is not written down: that is most of the work.
local index = KEYS[1]
local most, least = ARGV[1], ARGV[2] -- scores
local after = ARGV[3]                -- of the entries with the score `most` only those before this id; '': all
local count = tonumber(ARGV[4])      -- entries to read at most
local needed = tonumber(ARGV[5])     -- indexes that an entry has to be in

local ids, read = {}, 0
local function add(id) read = read + 1; ids[read] = id end
if after ~= '' then
  for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', index, most, most)) do
    if read < count and id < after then add(id) end
  end
  most = '(' .. most
end
local older = redis.call('ZREVRANGEBYSCORE', index, most, least, 'LIMIT', 0, count - read)
for at = 1, #older do add(older[at]) end
if read == 0 then return { 0, '', '0', '' } end

local found = {}
for other = 2, #KEYS do found[other - 1] = redis.call('ZMSCORE', KEYS[other], unpack(ids)) end
local words, length = {}, 0
for at = 1, read do
  local is_met = true
  for other = 1, needed do is_met = is_met and found[other][at] end
  if is_met then
    length = length + 1
    words[length] = ids[at]
    for other = needed + 1, #found do
      length = length + 1
      words[length] = found[other][at] or '-'
    end
  end
end
return { read, ids[read], redis.call('ZSCORE', index, ids[read]), table.concat(words, ' ') }
