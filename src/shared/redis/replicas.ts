import { Cluster, type Redis } from 'ioredis';
import { RedisRefusedError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { RedisClient } from './connect.js';

/** How long replicas have to confirm what was written (ms); what else asks by this connection waits behind it. */
const CONFIRM_WITHIN_MS = 1_000;
/** How often a server is asked for its replicas, at most (ms). */
const LOOK_EVERY_MS = 1_000;
/**
 * A replica that has left counts for so long (ms): in a planned failover the replica that is promoted leaves first, and
 * for about 10 s the old master still takes what the new one never gets.
 */
const REMEMBER_MS = 20_000;

interface Known {
  readonly stream: Redis['stream'];
  lookedAt: number;
  replicas: number;
  replicasAt: number;
}

/** The replicas behind what this process writes to. */
export interface Replicas {
  /**
   * Resolves once every replica has what was written by this process so far. Whoever asks has to look afterwards whether
   * it is still there: a failover may have come in between. Throws a RedisRefusedError.
   */
  confirmed(): Promise<void>;
}

/** Makes sure that a failover does not undo what was written before; without replicas it has nothing to do. */
export function openReplicas(redis: RedisClient, logger: Logger): Replicas {
  const known = new WeakMap<Redis, Known>();
  let mayWait = true;

  async function replicasOf(node: Redis): Promise<number> {
    const now = performance.now();
    let state = known.get(node);
    if (state?.stream !== node.stream) {
      state = { stream: node.stream, lookedAt: Number.NEGATIVE_INFINITY, replicas: 0, replicasAt: now };
      known.set(node, state);
    }
    if (now - state.lookedAt < LOOK_EVERY_MS) return state.replicas;
    const online = ((await node.info('replication')).match(/^slave\d+:.*state=online/gm) ?? []).length;
    state.lookedAt = now;
    if (online >= state.replicas || now - state.replicasAt > REMEMBER_MS) {
      state.replicas = online;
      state.replicasAt = now;
    }
    return state.replicas;
  }

  async function confirmedBy(node: Redis): Promise<void> {
    const wanted = await replicasOf(node);
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

  return {
    async confirmed() {
      const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
      await Promise.all(nodes.filter(({ status }) => status === 'ready').map(confirmedBy));
    },
  };
}
