import type { Cluster, Redis } from 'ioredis';

/** BullMQ's scripts that compare with the time, or write one: all of them take it as second argument. */
const TIMED = /^(moveToActive|moveToDelayed):/;

const BY_SERVER = `
local serverTime = redis.call('TIME')
ARGV[2] = string.format('%.0f', serverTime[1] * 1000 + math.floor(serverTime[2] / 1000))
`;

/**
 * Lets BullMQ decide by the clock of Redis when a job is due: it would take that of each host, and a host whose clock is
 * wrong would start too early or never.
 */
export function byServerClock(redis: Redis | Cluster): Redis | Cluster {
  const define = redis.defineCommand.bind(redis);
  return Object.assign(redis, {
    defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void {
      define(name, TIMED.test(name) ? { ...definition, lua: `${BY_SERVER}${definition.lua}` } : definition);
    },
  });
}
