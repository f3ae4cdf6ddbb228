import { randomBytes } from 'node:crypto';
import { Cluster } from 'ioredis';
import type { Logger } from '../logger.js';
import { openRedis, type RedisClient } from './connect.js';
import type { RedisTarget } from './target.js';

/**
 * The wake-up channel of a process: one connection for all of its waits. A notification says "look again" and carries no
 * fact, so a lost one costs its listener one heartbeat. After a gap every listener is notified with an empty message.
 */
export interface Notifications {
  /** Resolves once notifications are heard, within a second in any case; the answer stops listening. */
  listen(channel: string, onNotification: (message: string) => void): Promise<() => void>;
  /** Whether what is published arrives, as far as is known. */
  arrive(): boolean;
  stop(): Promise<void>;
}

/** How often the way is tried from end to end, and how many times on end nothing may come of it. */
const TRY_EVERY_MS = 2_000;
const LOST_TRIES = 2;
/** A channel that nobody listens to is kept for so long (ms): a submission is often followed by a wait for its run. */
const KEPT_MS = 1_000;
/** How long to wait for a subscription (ms); listeners also look by themselves. */
const SUBSCRIBED_WITHIN_MS = 1_000;

/**
 * Opens the wake-up channel: one more connection to Redis. `redis` publishes: what it says to this process must arrive
 * here, or the connection is made anew. That notices a half-open connection, and a server that has lost its cluster.
 */
export async function openNotifications(
  target: RedisTarget,
  redis: RedisClient,
  prefix: string,
  logger: Logger,
): Promise<Notifications> {
  const subscriber = await openRedis(target, 'working', logger);
  const listeners = new Map<string, Set<(message: string) => void>>();
  /** What the connection is subscribed to, or is about to be. */
  const subscribed = new Map<string, Promise<unknown>>();
  const notifyAll = () => {
    for (const group of listeners.values()) for (const onNotification of group) onNotification('');
  };
  subscriber.on('message', (channel: string, message: string) => {
    for (const onNotification of listeners.get(channel) ?? []) onNotification(message);
  });
  subscriber.on('ready', notifyAll);

  function subscribe(channel: string): Promise<unknown> {
    const there = subscribed.get(channel);
    if (there) return there;
    const fresh = subscriber.subscribe(channel);
    subscribed.set(channel, fresh);
    fresh.catch(() => subscribed.get(channel) === fresh && subscribed.delete(channel));
    return fresh;
  }
  async function listen(channel: string, onNotification: (message: string) => void): Promise<() => void> {
    const group = listeners.get(channel) ?? new Set();
    listeners.set(channel, group);
    group.add(onNotification);
    const isLate = await subscribedInTime(subscribe(channel), () => {
      if (group.has(onNotification)) onNotification(''); // what came before was not heard
    });
    if (isLate) logger.debug({ channel }, 'the subscription is late');
    const leave = () => {
      if (group.size > 0 || listeners.get(channel) !== group) return;
      listeners.delete(channel);
      subscribed.delete(channel);
      subscriber.unsubscribe(channel).catch(() => {});
    };
    return () => {
      group.delete(onNotification);
      if (group.size === 0) setTimeout(leave, KEPT_MS).unref();
    };
  }

  const trying = await startTrying({
    redis,
    channel: `${prefix}:notifications-try:${randomBytes(6).toString('hex')}`,
    listen,
    onLost: () => {
      logger.warn('notifications do not arrive: their connection is made anew');
      drop(subscriber);
    },
    onBack: notifyAll,
  });
  return {
    listen,
    arrive: trying.succeeds,
    async stop() {
      trying.stop();
      listeners.clear();
      subscriber.disconnect();
    },
  };
}

/** True when the subscription was not there in time; `onLate` is called when it comes after all. */
async function subscribedInTime(subscribed: Promise<unknown>, onLate: () => void): Promise<boolean> {
  let late = false;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      late = true;
      resolve();
    }, SUBSCRIBED_WITHIN_MS);
  });
  const there = subscribed.then(
    () => late && onLate(),
    () => {}, // the client subscribes again after a reconnect
  );
  await Promise.race([there, limit]);
  clearTimeout(timer);
  return late;
}

function drop(redis: RedisClient): void {
  if (redis instanceof Cluster) redis.disconnect(true);
  else redis.stream?.destroy();
}

interface Trying {
  readonly redis: RedisClient;
  readonly channel: string;
  readonly listen: Notifications['listen'];
  /** What was published has not arrived, twice on end. */
  readonly onLost: () => void;
  /** It arrives again. */
  readonly onBack: () => void;
}

/** Publishes to itself again and again. What cannot be published says nothing about what arrives. */
async function startTrying({ redis, channel, listen, onLost, onBack }: Trying) {
  let tried = 0;
  let arrived = 0;
  let lost = 0;
  let publishing = false;
  await listen(channel, (message) => {
    arrived = Math.max(arrived, Number(message));
    if (lost > 0 && message !== '') {
      lost = 0;
      onBack();
    }
  });
  const timer = setInterval(async () => {
    if (tried > arrived) {
      lost += 1;
      if (lost % LOST_TRIES === 0) onLost();
    }
    if (publishing) return; // Redis is away
    publishing = true;
    const next = tried + 1;
    await redis.publish(channel, String(next)).then(
      () => {
        tried = next;
      },
      () => {},
    );
    publishing = false;
  }, TRY_EVERY_MS);
  return { succeeds: () => lost === 0, stop: () => clearInterval(timer) };
}
