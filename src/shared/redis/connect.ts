import { isIP } from 'node:net';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { UnreachableError } from '../errors.js';
import type { Logger } from '../logger.js';
import { followMaster } from './follow-master.js';
import { gatherWrites } from './gather-writes.js';
import { certificateProblem, refusalOf } from './refusals.js';
import { byServerClock } from './server-clock.js';
import { dropWhenSilent } from './silence.js';
import type { RedisTarget } from './target.js';
import { leaveReplica, UNREACHABLE_HINT } from './unreachable.js';

export type RedisClient = Redis | Cluster;

/**
 * `asking`: a tool or a command waits for the answer, so it fails within 5 s, and what failed is not sent later.
 * `working`: a worker or a subscription waits for as long as Redis is away.
 */
export type RedisRole = 'asking' | 'working';

/** How long an asking command may take (ms): under the 5 s within which a tool has to answer. */
const ANSWER_WITHIN_MS = 4_000;
/** How long a connection may take to be made, and to be closed (ms): a host that is silent costs no more. */
const CONNECT_WITHIN_MS = 3_000;
const CLOSE_WITHIN_MS = 500;
const CERTIFICATE_HINT = 'A Redis that wants a client certificate needs REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE.';

type Options = RedisOptions & { replyMapping: 'legacy' };

function roleOptions(role: RedisRole): Options {
  const shared: Options = {
    replyMapping: 'legacy',
    lazyConnect: true,
    connectTimeout: CONNECT_WITHIN_MS,
    disconnectTimeout: CLOSE_WITHIN_MS,
    reconnectOnError: leaveReplica,
    maxLoadingRetryTime: 1_000, // while Redis loads its file it is asked so often, or it would seem to be silent
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1_000),
  };
  if (role === 'working') return { ...shared, maxRetriesPerRequest: null };
  // Without these a command that was answered with "unreachable" would still be sent once Redis is back.
  return {
    ...shared,
    maxRetriesPerRequest: null,
    commandTimeout: ANSWER_WITHIN_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  };
}

function create(target: RedisTarget, options: Options): RedisClient {
  const { kind } = target;
  if (kind === 'socket') {
    const { path, username, password, db } = target;
    return new Redis({
      ...options,
      path,
      ...(username && { username }),
      ...(password && { password }),
      ...(db && { db }),
    });
  }
  const { username, password } = target;
  const who = { ...(username && { username }), ...(password && { password }) };
  if (kind === 'server') {
    const { host, port, db, tls, certificates } = target;
    return new Redis({
      ...options,
      ...who,
      host,
      port,
      ...(db && { db }),
      ...(tls && { tls: { ...(isIP(host) === 0 && { servername: host }), ...certificates } }),
    });
  }
  const tls = target.tls ? { tls: target.certificates ?? {} } : {};
  if (kind === 'sentinel') {
    const { username: sentinelUsername, password: sentinelPassword } = target.toSentinels ?? {};
    return new Redis({
      ...options,
      ...who,
      ...tls,
      ...(target.tls && { enableTLSForSentinelMode: true, sentinelTLS: target.certificates ?? {} }),
      ...(sentinelUsername && { sentinelUsername }),
      ...(sentinelPassword && { sentinelPassword }),
      name: target.name,
      sentinelCommandTimeout: CONNECT_WITHIN_MS,
      sentinelReconnectStrategy: () => 1_000,
      sentinels: target.sentinels.map(({ host, port }) => ({ host, port })),
    });
  }
  const { lazyConnect = true, enableOfflineQueue = true, ...redisOptions } = options;
  return new Cluster(
    target.nodes.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect,
      enableOfflineQueue,
      slotsRefreshInterval: 5_000,
      // A certificate is for the name of a server, which must not become an address before it is compared.
      ...(target.tls && { dnsLookup: (host: string, found: (error: null, host: string) => void) => found(null, host) }),
      redisOptions: { ...redisOptions, ...who, ...tls },
    },
  );
}

/**
 * No connection may be silent for ever, or stay with a master that was replaced: not those to the servers of a cluster,
 * nor the one that BullMQ makes of ours.
 */
function watched(redis: RedisClient, target: RedisTarget): RedisClient {
  if (redis instanceof Cluster) redis.on('+node', watchedNode);
  else {
    watchedNode(redis);
    if (target.kind === 'sentinel') followMaster(redis, target);
  }
  const duplicate = redis.duplicate.bind(redis) as (...options: unknown[]) => RedisClient;
  return Object.assign(redis, { duplicate: (...options: unknown[]) => watched(duplicate(...options), target) });
}

function watchedNode(redis: Redis): void {
  dropWhenSilent(redis);
  gatherWrites(redis);
}

/** Opens a connection that stays and reconnects by itself. Throws UnreachableError when the first try fails. */
export async function openRedis(target: RedisTarget, role: RedisRole, logger: Logger): Promise<RedisClient> {
  const redis = byServerClock(watched(create(target, roleOptions(role)), target));
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) logger.warn({ err: error.message || error.name }, 'Redis is unreachable; trying again');
    away = true;
  });
  redis.on('ready', () => {
    if (away) logger.info('Redis is back');
    away = false;
  });
  try {
    await firstConnection(redis);
    return redis;
  } catch (error) {
    redis.disconnect();
    const refusal = refusalOf(error as Error) ?? certificateProblem(error as Error);
    const { message } = error as Error;
    const hint = wantsCertificate(target, message) ? `${UNREACHABLE_HINT} ${CERTIFICATE_HINT}` : UNREACHABLE_HINT;
    throw refusal ?? new UnreachableError(`Redis is unreachable: ${message}`, hint, { cause: error });
  }
}

/** With TLS 1.3 a server that misses our certificate closes the connection, and what it says of it may be lost. */
const wantsCertificate = (target: RedisTarget, message: string) =>
  target.kind !== 'socket' &&
  target.tls &&
  target.certificates?.cert === undefined &&
  /ECONNRESET|EPIPE|closed/.test(message);

/** The first error or time-out ends the first connection; later ones are tried again for ever. */
function firstConnection(redis: RedisClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)), ANSWER_WITHIN_MS);
    const onError = (error: Error) => settle(error);
    const onReady = () => settle();
    function settle(error?: Error) {
      clearTimeout(timer);
      redis.off('error', onError);
      redis.off('ready', onReady);
      if (error) reject(error);
      else resolve();
    }
    redis.on('error', onError);
    redis.on('ready', onReady);
    redis.connect().catch(onError);
  });
}

/** Waits until an asking connection can be used; throws UnreachableError when that takes more than 4 s. */
export async function whenReady(redis: RedisClient): Promise<void> {
  if (redis.status === 'ready') return;
  const ready = await new Promise<boolean>((resolve) => {
    const onReady = () => settle(true);
    const timer = setTimeout(() => settle(false), ANSWER_WITHIN_MS);
    function settle(value: boolean) {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(value);
    }
    redis.once('ready', onReady);
  });
  if (!ready) throw new UnreachableError('Redis is unreachable', UNREACHABLE_HINT);
}
