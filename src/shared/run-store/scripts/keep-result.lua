-- Records the result of a run that has not ended yet, for its owner. Answers 1; 0 where another one owns it or it has ended.
local run, result = KEYS[1], KEYS[2]
local owner_epoch = ARGV[1]
local result_text = ARGV[2]
local record_retention_ms = ARGV[3]

local record = redis.call('HMGET', run, 'state', 'epoch')
local state, epoch = record[1], record[2]
if epoch ~= owner_epoch or (state ~= 'running' and state ~= 'orphaned') then return 0 end
redis.call('SET', result, result_text, 'PX', record_retention_ms)
return 1
