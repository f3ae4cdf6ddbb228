import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Pool } from '../../src/shared/pool.js';
import type { RedisRole } from '../../src/shared/redis/connect.js';
import { connect, makePlace, type Place } from './pool.js';
import { type McpSession, openMcp, type Started, startServeProcess, startWorkerProcess } from './processes.js';
import { startRedis, type TestRedis } from './redis-server.js';

/**
 * For all tests of a file: opened before the first test and ended after the last one, what was opened last first.
 * What is returned stands for it, so that a file can name it before it is there.
 */
function forAllTests<Opened extends object>(
  open: () => Promise<Opened>,
  end: (opened: Opened) => Promise<void>,
): Opened {
  let opened: Opened | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(async () => {
    if (opened) await end(opened);
  });
  return new Proxy({} as Opened, {
    get(_, name) {
      if (!opened) throw new Error(`${String(name)} is there from the first test on`);
      return Reflect.get(opened, name);
    },
  });
}

/** A place that is removed after the last test of the file; to be made first, as what is in it ends before. */
export function onePlace(...how: Parameters<typeof makePlace>): Place {
  const place = makePlace(...how);
  afterAll(place.clean);
  return place;
}

/** A connection of the test process to the pool of a place. */
export const onePool = (place: Place, role?: RedisRole): Pool =>
  forAllTests(
    () => connect(place, role),
    (pool) => pool.stop(),
  );

/** A worker in a place. */
export const oneWorker = (place: Place, ...args: string[]): Started =>
  forAllTests(
    () => startWorkerProcess(place, ...args),
    (worker) => worker.end(),
  );

/** The HTTP server of a place, on a free port. */
export const oneServer = (place: Place): Awaited<ReturnType<typeof startServeProcess>> =>
  forAllTests(
    () => startServeProcess(place),
    (server) => server.end(),
  );

/** An MCP client in a place, with a server of its own. */
export const oneMcp = (place: Place): McpSession =>
  forAllTests(
    () => openMcp(place),
    (mcp) => mcp.close(),
  );

interface Between {
  readonly url: string;
  stop(): Promise<unknown>;
}
const NOTHING_BETWEEN = async ({ url }: TestRedis): Promise<Between> => ({ url, stop: async () => undefined });

/** A worker, a server and a client in a place of their own, on a Redis that the file may break; `between` stands before it. */
export function onePoolOnItsOwnRedis(): OwnPool<Between>;
export function onePoolOnItsOwnRedis<Way extends Between>(put: (redis: TestRedis) => Promise<Way>): OwnPool<Way>;
export function onePoolOnItsOwnRedis(put: (redis: TestRedis) => Promise<Between> = NOTHING_BETWEEN): OwnPool<Between> {
  const ends: (() => unknown)[] = [];
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  const begun = async <Part>(part: Promise<Part>, end: (part: Part) => unknown): Promise<Part> => {
    const there = await part;
    ends.push(() => end(there));
    return there;
  };
  return forAllTests(
    async () => {
      const redis = await begun(startRedis(), (one) => one.stop());
      const between = await begun(put(redis), (one) => one.stop());
      const place = makePlace({}, between.url);
      ends.push(place.clean);
      const worker = await begun(startWorkerProcess(place, '--runners', 'scripted'), (one) => one.end('SIGKILL'));
      const serve = await begun(startServeProcess(place), (one) => one.end('SIGKILL'));
      const session = await begun(openMcp(place), (one) => one.close());
      return { redis, between, place, worker, serve, session };
    },
    async () => {},
  );
}

interface OwnPool<Way> {
  readonly redis: TestRedis;
  readonly between: Way;
  readonly place: Place;
  readonly worker: Started;
  readonly serve: Awaited<ReturnType<typeof startServeProcess>>;
  readonly session: McpSession;
}

/** What is put in here is called after each test, what was put in last first. */
export function cleanUpAfterEach(): (() => unknown)[] {
  const cleanUp: (() => unknown)[] = [];
  afterEach(async () => {
    for (const clean of cleanUp.splice(0).reverse()) await clean();
  });
  return cleanUp;
}

/** For files whose tests each have a place, a worker and a client of their own, which end after each test. */
export function forEachTest() {
  const cleanUp = cleanUpAfterEach();
  const startWorker = async (place: Place, ...args: string[]): Promise<Started> => {
    const worker = await startWorkerProcess(place, ...args);
    cleanUp.push(() => worker.child.exitCode === null && worker.child.signalCode === null && worker.end('SIGKILL'));
    return worker;
  };
  const open = async (extra: Readonly<Record<string, string>> = {}, redisUrl?: string) => {
    const place = makePlace({ AGENTPOOL_HOST_NAME: 'here', ...extra }, ...(redisUrl ? [redisUrl] : []));
    cleanUp.push(place.clean);
    const worker = await startWorker(place);
    const mcp = await openMcp(place);
    cleanUp.push(mcp.close);
    return { place, worker, mcp };
  };
  return { cleanUp, startWorker, open };
}
