import type { Logger } from '../logger.js';
import { openRedis, type RedisClient } from './connect.js';
import type { RedisTarget } from './target.js';

/**
 * The wake-up channel of a process: one connection for all of its waits. A ring says "look again" and carries no fact,
 * so a lost one costs its listener one heartbeat. After a reconnect every listener is rung with an empty message.
 */
export interface Notifications {
  /** Resolves once rings are heard; the answer stops listening. While Redis is away it resolves at once. */
  listen(channel: string, onNotification: (message: string) => void): Promise<() => void>;
  stop(): Promise<void>;
}

/** Opens the wake-up channel: one more connection to Redis. */
export async function openNotifications(target: RedisTarget, logger: Logger): Promise<Notifications> {
  const redis: RedisClient = await openRedis(target, 'working', logger);
  const listeners = new Map<string, Set<(message: string) => void>>();
  redis.on('message', (channel: string, message: string) => {
    for (const onNotification of listeners.get(channel) ?? []) onNotification(message);
  });
  redis.on('ready', () => {
    for (const group of listeners.values()) for (const onNotification of group) onNotification('');
  });
  return {
    async listen(channel, onNotification) {
      const group = listeners.get(channel) ?? new Set();
      listeners.set(channel, group);
      group.add(onNotification);
      const subscribed = redis.subscribe(channel).catch(() => {}); // sent again by the client after a reconnect
      if (redis.status === 'ready') await subscribed;
      return () => {
        group.delete(onNotification);
        if (group.size > 0 || listeners.get(channel) !== group) return;
        listeners.delete(channel);
        redis.unsubscribe(channel).catch(() => {});
      };
    },
    async stop() {
      listeners.clear();
      redis.disconnect();
    },
  };
}
