import type { RedisClient } from '../redis/connect.js';

/**
 * The changes of a run that have to be one step. Each touches the keys of one run only. Times are those of the Redis
 * server, so a host whose clock jumps changes nothing.
 */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS run, events, request · ARGV channel, request, field, value, ... · answers 1 when created, 0 when it was there. */
const CREATE = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'state', 'queued', 'epoch', 0, 'out', 0, 'err', 0, 'outDropped', 0, 'errDropped', 0, unpack(ARGV, 3))
redis.call('SET', KEYS[3], ARGV[2])
redis.call('XADD', KEYS[2], '*', 'k', 'state', 'd', '{"state":"queued"}')
redis.call('PUBLISH', ARGV[1], 'queued')
return 1`;

/**
 * KEYS run, events · ARGV channel, from states with commas, to ('' = stay), epoch ('' = any), bump (0/1), time field,
 * event, field, value, ... · answers { changed, state, epoch }. A new epoch is at least the time: should Redis forget
 * one in a crash, the next one is another all the same.
 */
const CHANGE = `${NOW}
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return {0, 'unknown', 0} end
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local allowed = string.find(',' .. ARGV[2] .. ',', ',' .. state .. ',', 1, true)
if not allowed or (ARGV[4] ~= '' and ARGV[4] ~= epoch) then return {0, state, tonumber(epoch)} end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'state', ARGV[3])
  state = ARGV[3]
end
if ARGV[5] == '1' then
  epoch = string.format('%.0f', math.max(tonumber(epoch) + 1, now))
  redis.call('HSET', KEYS[1], 'epoch', epoch)
end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], ARGV[6], now) end
if #ARGV > 7 then redis.call('HSET', KEYS[1], unpack(ARGV, 8)) end
if ARGV[7] ~= '' then redis.call('XADD', KEYS[2], '*', 'k', 'state', 'd', ARGV[7]) end
redis.call('PUBLISH', ARGV[1], state)
return {1, state, tonumber(epoch)}`;

/**
 * KEYS run, events, request, result · ARGV channel, from states with commas, to, epoch ('' = any), bytes of stdout and of
 * stderr that the stream must have ('' = any), event, result ('' = none), retention of output and of the record in ms,
 * field, value, ... · answers { code, state, epoch, out, err }, where code is 1 (ended), 0 (it may not) or -1 (output is
 * missing: go on from out and err). All in one step, so whoever is told of the end finds the result and all output, and
 * what has a time to go gets it whoever dies in between.
 */
const END = `${NOW}
local record = redis.call('HMGET', KEYS[1], 'state', 'epoch', 'out', 'err')
local state, epoch, out, err = record[1], record[2], tonumber(record[3]), tonumber(record[4])
if not state then return {0, 'unknown', 0, 0, 0} end
local allowed = string.find(',' .. ARGV[2] .. ',', ',' .. state .. ',', 1, true)
if not allowed or (ARGV[4] ~= '' and ARGV[4] ~= epoch) then return {0, state, tonumber(epoch), out, err} end
if ARGV[5] ~= '' and (tonumber(ARGV[5]) ~= out or tonumber(ARGV[6]) ~= err) then
  return {-1, state, tonumber(epoch), out, err}
end
if ARGV[8] ~= '' then redis.call('SET', KEYS[4], ARGV[8], 'PX', ARGV[10]) end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'endedAt', now)
if #ARGV > 10 then redis.call('HSET', KEYS[1], unpack(ARGV, 11)) end
redis.call('XADD', KEYS[2], '*', 'k', 'state', 'd', ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[9])
redis.call('PEXPIRE', KEYS[3], ARGV[9])
redis.call('PEXPIRE', KEYS[1], ARGV[10])
redis.call('PUBLISH', ARGV[1], ARGV[3])
return {1, ARGV[3], tonumber(epoch), out, err}`;

/**
 * KEYS run (says only which server of a cluster) · answers { bytes in the append-only file, bytes on their way to it };
 * zeros where there is no such file.
 */
const LOG = `
local info = redis.call('INFO', 'persistence')
local function field(name) return tonumber(string.match(info, name .. ':(%d+)')) or 0 end
return {field('aof_current_size'), field('aof_buffer_length')}`;

/**
 * KEYS run, events · ARGV channel, epoch, cap in bytes, then kind, offset, bytes, lines, ... · answers { code, out, err },
 * where code is 1 (all of it is in), 0 (an offset was not the next one: go on from out and err) or -1 (not yours any more).
 * Appending is idempotent by offset, so a reply that got lost does no harm. Over the cap the oldest output goes first.
 */
const APPEND = `${NOW}
local record = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'out', 'err', 'outDropped', 'errDropped')
if record[1] ~= ARGV[2] or record[2] ~= 'running' then return {-1, 0, 0} end
local at = { out = tonumber(record[3]), err = tonumber(record[4]) }
local dropped = { out = tonumber(record[5]), err = tonumber(record[6]) }
local code = 1
local added = false
local lines = 0
for i = 4, #ARGV, 4 do
  if tonumber(ARGV[i + 1]) ~= at[ARGV[i]] then code = 0 break end
  redis.call('XADD', KEYS[2], '*', 'k', ARGV[i], 'o', ARGV[i + 1], 'd', ARGV[i + 2])
  at[ARGV[i]] = at[ARGV[i]] + #ARGV[i + 2]
  lines = lines + tonumber(ARGV[i + 3])
  added = true
end
if added then
  local cap = tonumber(ARGV[3])
  local kept = at.out + at.err - dropped.out - dropped.err
  if kept > cap then
    local goal = cap - math.floor(cap / 16)
    local from = '-'
    while kept > goal do
      local page = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', 32)
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
    local first = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', 1)[1]
    if first then redis.call('XTRIM', KEYS[2], 'MINID', first[1]) end
    redis.call('HSET', KEYS[1], 'outDropped', dropped.out, 'errDropped', dropped.err)
  end
  redis.call('HSET', KEYS[1], 'out', at.out, 'err', at.err, 'lastOutputAt', now)
  if lines > 0 then redis.call('HINCRBY', KEYS[1], 'lines', lines) end
  redis.call('PUBLISH', ARGV[1], 'output')
end
return {code, at.out, at.err}`;

/**
 * KEYS run · ARGV signal, grace in ms, reason · answers { state, worker }. A wish is kept once; a later one may
 * only sharpen it.
 */
const REQUEST_KILL = `${NOW}
local record = redis.call('HMGET', KEYS[1], 'state', 'worker')
if not record[1] then return {'unknown', ''} end
if record[1] == 'queued' or record[1] == 'running' or record[1] == 'orphaned' then
  redis.call('HSETNX', KEYS[1], 'killRequestedAt', now)
  redis.call('HSET', KEYS[1], 'killSignal', ARGV[1], 'killGraceMs', ARGV[2])
  if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'killReason', ARGV[3]) end
end
return {record[1], record[2] or ''}`;

const COMMANDS = {
  apCreate: { lua: CREATE, numberOfKeys: 3 },
  apChange: { lua: CHANGE, numberOfKeys: 2 },
  apEnd: { lua: END, numberOfKeys: 4 },
  apLog: { lua: LOG, numberOfKeys: 1 },
  apAppend: { lua: APPEND, numberOfKeys: 2 },
  apRequestKill: { lua: REQUEST_KILL, numberOfKeys: 1 },
} as const;

type Arg = string | number | Buffer;
/** The scripts as commands of a client. */
export interface Scripts {
  apCreate(...args: Arg[]): Promise<number>;
  apChange(...args: Arg[]): Promise<[changed: number, state: string, epoch: number]>;
  apEnd(...args: Arg[]): Promise<[code: number, state: string, epoch: number, out: number, err: number]>;
  apLog(...args: Arg[]): Promise<[written: number, waiting: number]>;
  apAppend(...args: Arg[]): Promise<[code: number, out: number, err: number]>;
  apRequestKill(...args: Arg[]): Promise<[state: string, worker: string]>;
}

/** Teaches a client the scripts. */
export function withScripts(redis: RedisClient): RedisClient & Scripts {
  for (const [name, definition] of Object.entries(COMMANDS)) redis.defineCommand(name, definition);
  return redis as RedisClient & Scripts;
}
