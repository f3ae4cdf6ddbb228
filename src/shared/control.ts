import type { RedisClient } from './redis/connect.js';
import type { Notifications } from './redis/notifications.js';

/**
 * Notifications for the worker that owns a run. They carry nothing: the kill request is in the run's record already, so a
 * lost one costs a heartbeat and never a kill.
 */
export function openControl(redis: RedisClient, notifications: Notifications, prefix: string) {
  const channel = (worker: string) => `${prefix}:worker-bell:${worker}`;
  return {
    async wake(worker: string): Promise<void> {
      await redis.publish(channel(worker), 'look');
    },
    async onWake(worker: string, onWake: () => void): Promise<() => void> {
      return notifications.listen(channel(worker), onWake);
    },
  };
}
export type Control = ReturnType<typeof openControl>;
