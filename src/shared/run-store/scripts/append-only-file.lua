-- Answers { bytes in the append-only file of Redis, bytes on their way to it }; zeros where there is no such file.
local run = KEYS[1] -- says only which server of a cluster is asked

local info = redis.call('INFO', 'persistence')
local function field(name)
  return tonumber(string.match(info, name .. ':(%d+)')) or 0
end
return { field('aof_current_size'), field('aof_buffer_length') }
