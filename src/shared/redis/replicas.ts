import { Cluster, type Redis } from 'ioredis';
import { RedisRefusedError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { RedisClient } from './connect.js';
import { withScripts } from './scripts.js';

/** How long replicas have to confirm what was written (ms); what else asks by this connection waits behind it. */
const CONFIRM_WITHIN_MS = 1_000;
/** How often a server is asked for its replicas, at most (ms). */
const LOOK_EVERY_MS = 1_000;
/**
 * A replica that has left counts for so long (ms): in a planned failover the replica that is promoted leaves first, and
 * for about 10 s the old master still takes what the new one never gets.
 */
const REMEMBER_MS = 20_000;
/** How long it is known that a master has a replica when nobody looks (ms). */
const KEEP_MS = 30 * 24 * 3_600_000;

/** The script; its file says what it does. */
interface ReplicaScripts {
  rememberReplicas(
    seen: string,
    online: number,
    syncing: number,
    syncs: number,
    syncsBefore: number,
    keepMs: number,
    leftMs: number,
  ): Promise<number>;
}

interface Known {
  readonly stream: Redis['stream'];
  readonly lookedAt: number;
  readonly needed: number;
}

/** The replicas behind what this process writes to. */
export interface Replicas {
  /**
   * Resolves once every replica has what was written by this process so far. Whoever asks has to look afterwards whether
   * it is still there: a failover may have come in between. Throws a RedisRefusedError.
   */
  confirmed(): Promise<void>;
  /**
   * How often a connection was lost. What was written before and after may be in different masters, so whoever finds
   * another number after `confirmed` has to write all of it again.
   */
  interruptions(): number;
  /** Looks which replicas there are, so that it is known when one has left. */
  look(): Promise<void>;
}

/**
 * Makes sure that a failover does not undo what was written before; without replicas it has nothing to do. What a master
 * had is remembered in Redis, under the id of its replication, which the next master does not share: a process that has
 * just connected to a master that was replaced knows what it has lost, and the new master may be used without a replica.
 */
export function openReplicas(client: RedisClient, prefix: string, logger: Logger): Replicas {
  const redis = withScripts<ReplicaScripts>(client, new URL(import.meta.url), {
    rememberReplicas: 'remember-replicas.lua',
  });
  const known = new WeakMap<Redis, Known>();
  let mayWait = true;
  let interruptions = 0;
  const count = (connection: Redis) => {
    connection.on('close', () => {
      interruptions += 1;
    });
  };
  if (client instanceof Cluster) {
    for (const node of client.nodes()) count(node);
    client.on('+node', count);
  } else count(client);

  async function replicasNeeded(node: Redis): Promise<number> {
    const before = known.get(node);
    const lookedAt = performance.now();
    const { stream } = node;
    if (before?.stream === stream && lookedAt - before.lookedAt < LOOK_EVERY_MS) return before.needed;
    const info = await node.info();
    const count = (pattern: RegExp) => (info.match(pattern) ?? []).length;
    const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    const online = count(/^slave\d+:.*state=online/gm);
    const syncing = count(/^slave\d+:.*state=/gm) - online;
    const syncs = number('sync_full') + number('sync_partial_ok');
    const [, id = ''] = /^master_replid:(\w+)/m.exec(info) ?? [];
    // A server that was promoted has counted those of an earlier time as the master, too.
    const syncsBefore = /^master_replid2:0+\r?$/m.test(info) ? 0 : syncs;
    const seen = [online, syncing, syncs, syncsBefore] as const;
    const remembered = await redis.rememberReplicas(`${prefix}:replicas:${id}`, ...seen, KEEP_MS, REMEMBER_MS);
    // This line is there where `min-replicas-to-write` is set; a master may take it for kept for a second too long.
    const needed = /^min_slaves_good_slaves:/m.test(info) ? Math.max(remembered, 1) : remembered;
    known.set(node, { stream, lookedAt, needed });
    return needed;
  }

  async function confirmedBy(node: Redis): Promise<void> {
    const wanted = await replicasNeeded(node);
    if (wanted === 0 || !mayWait) return;
    const confirmed = await node.wait(wanted, CONFIRM_WITHIN_MS).catch((error: Error) => {
      if (!error.message.startsWith('NOPERM')) throw error;
      mayWait = false;
      logger.warn('the user of Redis may not WAIT for replicas (+wait): a failover may undo what was accepted');
      return wanted;
    });
    if (confirmed < wanted)
      throw new RedisRefusedError(
        `${confirmed} of ${wanted} replicas of Redis have confirmed this within ${CONFIRM_WITHIN_MS} ms`,
        'A failover could undo it, so it does not count as accepted. Ask again in some seconds (with the same clientToken, where there was one); if it stays so, whoever runs Redis has to look at its replicas.',
      );
  }

  const masters = () =>
    (client instanceof Cluster ? client.nodes('master') : [client]).filter(({ status }) => status === 'ready');
  return {
    confirmed: async () => void (await Promise.all(masters().map(confirmedBy))),
    interruptions: () => interruptions,
    look: async () => void (await Promise.all(masters().map(replicasNeeded))),
  };
}
