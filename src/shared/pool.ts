import { type Agents, openAgents } from './agents/open.js';
import type { Config } from './config/load.js';
import { type Control, openControl } from './control.js';
import type { Logger } from './logger.js';
import { openQueues } from './queues/open.js';
import type { Queues } from './queues/queues.js';
import { checkRedis, type RedisHealth, redisHealth, streamNodeBytes } from './redis/check.js';
import { openRedis, type RedisRole, whenReady } from './redis/connect.js';
import { openNotifications } from './redis/notifications.js';
import { openSettling } from './redis/settled.js';
import type { RedisTarget } from './redis/target.js';
import { asUnreachable } from './redis/unreachable.js';
import { openUsable } from './redis/usable.js';
import { openRunStore } from './run-store/open.js';
import type { RunStore } from './run-store/run-store.js';
import { allRunners, type Runners } from './runners/list.js';
import type { Traces } from './traces/traces.js';
import { openWorkers, type Workers } from './workers/workers.js';

/** All gateways of one process, over two connections to Redis. */
export interface Pool {
  readonly config: Config;
  readonly logger: Logger;
  readonly runners: Runners;
  readonly runs: RunStore;
  readonly queues: Queues;
  readonly control: Control;
  readonly workers: Workers;
  readonly agents: Agents;
  /** Absent without a listener. */
  readonly traces?: Traces;
  /** Resolves when Redis can be asked; throws UnreachableError after 4 s. */
  ready(): Promise<void>;
  /** Why Redis cannot be used now, as one sentence; see `openUsable`. */
  redisProblem(): Promise<string | undefined>;
  health(): Promise<RedisHealth>;
  /** See `streamNodeBytes`. */
  streamNodeBytes(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** Connects a process to the pool. Throws ConfigError for a Redis that will not do, UnreachableError for none. */
export async function openPool(config: Config, target: RedisTarget, role: RedisRole, logger: Logger): Promise<Pool> {
  const runners = allRunners(config.customRunners);
  const traces = await tracesFor(config, logger);
  const redis = await openRedis(target, role, logger);
  try {
    await checkRedis(redis);
    const notifications = await openNotifications(target, redis, config.prefix, logger);
    const queues = openQueues(redis, notifications, config.prefix, config, logger);
    const settling = openSettling(redis, config.prefix, logger);
    const runs = openRunStore(redis, notifications, config.prefix, config, settling);
    runs.onSessionFree((next) => queues.promote(next.id, next.queue));
    let stopping: Promise<void> | undefined;
    return {
      config,
      logger,
      runners,
      queues,
      runs,
      control: openControl(redis, notifications, config.prefix),
      workers: openWorkers(redis, config.prefix, config.heartbeatMs, settling),
      agents: openAgents(redis, config.prefix, settling),
      ...(traces && { traces }),
      ready: () => whenReady(redis),
      redisProblem: openUsable({
        ready: () => whenReady(redis),
        write: () => redis.set(`${config.prefix}:write-check`, '1', 'PX', 60_000),
        arrive: notifications.arrive,
      }),
      health: () => redisHealth(redis),
      streamNodeBytes: () => streamNodeBytes(redis),
      stop: () => {
        stopping ??= (async () => {
          await queues.stop().catch(() => {});
          await notifications.stop();
          await traces?.stop();
          redis.disconnect();
        })();
        return stopping;
      },
    };
  } catch (error) {
    redis.disconnect();
    throw asUnreachable(error) ?? error;
  }
}

/** The code for traces is loaded only when traces are on. */
async function tracesFor({ traces }: Config, logger: Logger): Promise<Traces | undefined> {
  return traces === 'off' ? undefined : (await import('./traces/open.js')).openTraces(traces, logger);
}
