import type { RedisClient } from './redis/connect.js';
import type { Notifications } from './redis/notifications.js';
import type { KillRequest } from './run.js';

/** A kill request that could not be stored, and so is sent to the owner of the run directly. */
export type DirectKill = Omit<KillRequest, 'requestedAt'> & { readonly runId: string };

/** Why a worker is notified; undefined for a kind that it does not know, or when messages may have been lost. */
export type Woken = DirectKill | { readonly look: string } | 'reload' | undefined;

const LOOK = 'look ';
const lookIn = (message: string) => (message.startsWith(LOOK) ? { look: message.slice(LOOK.length) } : undefined);

/**
 * The notifications to the worker that owns a run. Normally one carries no data: the kill request is in the run's record
 * already, so a lost notification delays a kill by one heartbeat and loses nothing. Only when Redis takes no writes does it
 * carry the request itself; the sender has checked that the caller may ask.
 */
export function openControl(redis: RedisClient, notifications: Notifications, prefix: string) {
  const channel = (worker: string) => `${prefix}:worker-bell:${worker}`;
  return {
    /** Asks the owner to look at the record of a run; workers of the release before look at those of all their runs. */
    async wake(worker: string, runId: string): Promise<void> {
      await redis.publish(channel(worker), `${LOOK}${runId}`);
    },
    /**
     * Redis delivers messages even when it is full or read-only. False when nobody was listening, as after a failover that
     * the worker has noticed before us. A Cluster node knows only its own subscribers, so there the answer is always true.
     */
    async killDirectly(worker: string, request: DirectKill): Promise<boolean> {
      const listeners = await redis.publish(channel(worker), JSON.stringify(request));
      return listeners > 0 || redis.isCluster;
    },
    /** Asks a worker to look again at what its host has; its next heartbeat says that it did. */
    async reload(worker: string): Promise<void> {
      await redis.publish(channel(worker), 'reload');
    },
    async onWake(worker: string, onWake: (message: Woken) => void): Promise<() => void> {
      return notifications.listen(channel(worker), (message) =>
        onWake(message === 'reload' ? message : (directKillIn(message) ?? lookIn(message))),
      );
    },
  };
}
export type Control = ReturnType<typeof openControl>;

function directKillIn(message: string): DirectKill | undefined {
  if (!message.startsWith('{')) return undefined;
  try {
    const { runId, signal, graceMs, reason } = JSON.parse(message) as Partial<DirectKill>;
    if (typeof runId !== 'string' || signal === undefined || typeof graceMs !== 'number') return undefined;
    return { runId, signal, graceMs, ...(reason !== undefined && { reason }) };
  } catch {
    return undefined;
  }
}
