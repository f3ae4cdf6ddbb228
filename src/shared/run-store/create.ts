import { randomBytes } from 'node:crypto';
import { LOCAL } from '../principal.js';
import { serverNow } from '../redis/now.js';
import type { RunRequest } from '../run.js';
import type { StoreParts } from './parts.js';
import { fieldsOfRequest } from './record.js';

/** Writes a queued run, into the indexes first; false when there is one with this id already. */
export async function createRun(
  { redis, keysOf, indexes }: StoreParts,
  id: string,
  queue: string,
  request: RunRequest,
): Promise<boolean> {
  const keys = keysOf(id);
  const queuedAt = await serverNow(redis);
  const { agentName, runner, principal = LOCAL.name } = request;
  await indexes.add({ id, principal, agentName, runner, queuedAt });
  const fields = [...fieldsOfRequest(id, queue, request), 'queuedAt', queuedAt];
  return (
    (await redis.createRun(keys.run, keys.events, keys.request, keys.channel, JSON.stringify(request), ...fields)) === 1
  );
}

/** What was asked for; undefined once the run's output was let go. */
export async function readRequest({ redis, keysOf }: StoreParts, id: string): Promise<RunRequest | undefined> {
  const text = await redis.get(keysOf(id).request);
  return text === null ? undefined : (JSON.parse(text) as RunRequest);
}

/** The run id that a principal's client token stands for: the given one, or the one that an earlier call chose. */
export async function idForToken(
  { redis, prefix, retention }: StoreParts,
  principal: string,
  token: string,
  id: string,
): Promise<string> {
  const key = `${prefix}:client-token:${encodeURIComponent(principal)}:${token}`;
  const set = await redis.set(key, id, 'PX', retention.recordRetentionMs, 'NX');
  return set === 'OK' ? id : ((await redis.get(key)) ?? id);
}

/** The name of the pool that this Redis and prefix are, made with its first run store. */
export async function poolId({ redis, prefix }: StoreParts): Promise<string> {
  const key = `${prefix}:pool-id`;
  await redis.set(key, randomBytes(6).toString('hex'), 'NX');
  return (await redis.get(key)) ?? 'unknown';
}
