import { sharedByTurn } from '../by-turn.js';
import type { RedisClient } from '../redis/connect.js';
import type { Notifications } from '../redis/notifications.js';
import { serverNow } from '../redis/now.js';
import { type Indexes, openIndexes } from './indexes.js';
import { runKeys } from './keys.js';
import type { Retention } from './ownership.js';
import { readRun } from './record.js';
import { type RunScripts, withRunScripts } from './scripts.js';
import { openSessionLocks, type SessionLocks } from './session-locks.js';

/** What the functions of the run store work on. */
export interface StoreParts {
  readonly redis: RedisClient & RunScripts;
  readonly notifications: Notifications;
  readonly prefix: string;
  readonly retention: Retention;
  readonly indexes: Indexes;
  readonly sessionLocks: SessionLocks;
  readonly keysOf: (id: string) => ReturnType<typeof runKeys>;
  /** The time of Redis (ms), asked once for all who ask in one turn. */
  readonly now: () => Promise<number>;
}

/** Opens the parts of a run store on one connection. */
export function openParts(
  client: RedisClient,
  notifications: Notifications,
  prefix: string,
  retention: Retention,
): StoreParts {
  const redis = withRunScripts(client);
  const keysOf = (id: string) => runKeys(prefix, id);
  return {
    redis,
    notifications,
    prefix,
    retention,
    keysOf,
    now: sharedByTurn(() => serverNow(redis)),
    indexes: openIndexes(redis, prefix, retention.recordRetentionMs),
    sessionLocks: openSessionLocks(redis, prefix, (id) => readRun(redis, keysOf(id).run)),
  };
}
