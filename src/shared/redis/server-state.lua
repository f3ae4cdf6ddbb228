-- Answers what of this server decides whether a write that came before this is safe:
-- { 1 when it is a master, bytes in its append-only file, bytes on their way to it, id of its replication, replicas that
-- are online, replicas that are syncing, syncs begun so far, how many of these may be older than its time as the master,
-- 1 when it wants a replica for writes }.
local info = redis.pcall('INFO', 'persistence', 'replication', 'stats')
if type(info) ~= 'string' then -- before Redis 7, which takes several sections
  info = redis.call('INFO', 'persistence') .. redis.call('INFO', 'replication') .. redis.call('INFO', 'stats')
end
local function number(name)
  return tonumber(string.match(info, name .. ':(%d+)')) or 0
end
local function count(pattern)
  local _, found = string.gsub(info, pattern, '')
  return found
end

local online = count('\nslave%d+:[^\r\n]*state=online')
local syncs = number('sync_full') + number('sync_partial_ok')
-- A server that was promoted has counted those of an earlier time as the master, too.
local promoted = not string.find(info, 'master_replid2:0+\r?\n')
return {
  string.find(info, 'role:master') and 1 or 0,
  number('aof_current_size'),
  number('aof_buffer_length'),
  string.match(info, 'master_replid:(%w+)') or '',
  online,
  count('\nslave%d+:[^\r\n]*state=') - online,
  syncs,
  promoted and syncs or 0,
  string.find(info, 'min_slaves_good_slaves:') and 1 or 0,
}
