-- Answers what of this server decides whether a write that came before this is safe:
-- { 1 when it is a master, bytes in its append-only file, bytes on their way to it, id of its replication, replicas that
-- are online, replicas that are syncing, syncs begun so far, how many of these may be older than its time as the master,
-- 1 when it wants a replica for writes }.
local persistence, replication, stats = redis.call('INFO', 'persistence'), redis.call('INFO', 'replication'), redis.call('INFO', 'stats')
local function number(info, name)
  return tonumber(string.match(info, name .. ':(%d+)')) or 0
end
local function count(info, pattern)
  local _, found = string.gsub(info, pattern, '')
  return found
end

local online = count(replication, '\nslave%d+:[^\r\n]*state=online')
local syncs = number(stats, 'sync_full') + number(stats, 'sync_partial_ok')
-- A server that was promoted has counted those of an earlier time as the master, too.
local promoted = not string.find(replication, 'master_replid2:0+\r?\n')
return {
  string.find(replication, 'role:master') and 1 or 0,
  number(persistence, 'aof_current_size'),
  number(persistence, 'aof_buffer_length'),
  string.match(replication, 'master_replid:(%w+)') or '',
  online,
  count(replication, '\nslave%d+:[^\r\n]*state=') - online,
  syncs,
  promoted and syncs or 0,
  string.find(replication, 'min_slaves_good_slaves:') and 1 or 0,
}
