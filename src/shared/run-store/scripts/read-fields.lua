-- Reads the same fields of many records, as HMGET would of each.
local answers = {}
for at, record in ipairs(KEYS) do answers[at] = redis.call('HMGET', record, unpack(ARGV)) end
return answers
