import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statusOfPool } from '../../../../src/client/pool-status.js';
import { newRunId } from '../../../../src/client/submit.js';
import type { Pool } from '../../../../src/shared/pool.js';
import { LOCAL } from '../../../../src/shared/principal.js';
import type { Claimer, Lease } from '../../../../src/shared/queues/leases.js';
import { runnerQueue } from '../../../../src/shared/queues/route.js';
import { turnsOf } from '../../../../src/shared/queues/turns.js';
import type { RunRequest } from '../../../../src/shared/run.js';
import { connect, makePlace, type Place } from '../../../support/pool.js';
import { eventually } from '../../../support/processes.js';

const QUEUE = runnerQueue('demo');
let place: Place;
let pool: Pool;
let claimer: Claimer;
let redis: Redis;
let names: Map<string, string>;

beforeEach(async () => {
  place = makePlace();
  pool = await connect(place);
  redis = new Redis(place.env.REDIS_URL ?? '');
  claimer = pool.queues.claimer(QUEUE, 'worker-1');
  names = new Map();
});
afterEach(async () => {
  await claimer.stop();
  await pool.stop();
  redis.disconnect();
  place.clean();
});

/** Places a run and remembers what the test calls it. */
async function queued(principal: string, name = principal, extra: Partial<RunRequest> = {}): Promise<string> {
  const id = newRunId();
  names.set(id, name);
  await pool.queues.placeAnew(id, QUEUE, { runner: 'demo', agentName: 'a', prompt: 'hi', principal, ...extra });
  return id;
}

/** So many are placed at once: a busy machine answers thousands in more time than a command has. */
const AT_ONCE = 500;

/** Places so many runs of a principal, in their order. */
async function queuedMany(count: number, principal: string, extra: Partial<RunRequest> = {}): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const more = Math.min(AT_ONCE, count - ids.length);
    const names = Array.from({ length: more }, (_, at) => `${principal}${ids.length + at + 1}`);
    ids.push(...(await Promise.all(names.map((name) => queued(principal, name, extra)))));
  }
  return ids;
}

async function taken(): Promise<Lease> {
  const { lease } = await claimer.take();
  if (!lease) throw new Error('there is no job');
  return lease;
}

const nameOf = ({ runId }: Lease) => names.get(runId) ?? runId;
const takenName = async () => nameOf(await taken());
async function takenNames(count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let at = 0; at < count; at++) seen.push(await takenName());
  return seen;
}
const position = (id: string) => pool.queues.position(id, QUEUE);
const key = (type: string) => pool.queues.bullQueue(QUEUE).toKey(type);
/** How many names and runs the turns of the queue remember. */
async function remembered() {
  const [order, places, members, times] = await Promise.all([
    redis.zcard(key('turns:order')),
    redis.zcard(key('turns:places')),
    redis.hlen(key('turns:members')),
    redis.hlen(key('turns:times')),
  ]);
  return { order, places, members, times };
}

describe('turns between principals', () => {
  it('lets one run start next although another principal has 5,000 queued', async () => {
    await queued('many', 'running');
    await taken();
    await queuedMany(5_000, 'many');
    const one = await queued('one');
    expect(await position(one)).toBe(1);
    expect(await takenNames(3)).toEqual(['one', 'many1', 'many2']);
    expect(await remembered()).toEqual({ order: 4_998, places: 4_998, members: 4_998, times: 3 });
  });

  it('tells the places of many runs at once as one by one, also behind what BullMQ takes first', async () => {
    const ids = [
      ...(await queuedMany(4, 'x')),
      ...(await queuedMany(3, 'y')),
      await queued('x', 'x0', { priority: 1 }),
    ];
    const stalled = newRunId();
    await redis.rpush(key('wait'), newRunId(), stalled);
    const oneByOne: (number | undefined)[] = [];
    for (const id of [...ids, stalled, newRunId()]) oneByOne.push(await position(id));
    expect(await Promise.all([...ids, stalled, newRunId()].map(position))).toEqual(oneByOne);
    expect(oneByOne.slice(-2)).toEqual([1, undefined]);
    expect(oneByOne.slice(0, -2).sort()).toEqual([10, 3, 4, 5, 6, 7, 8, 9]);
    const [x, y] = await Promise.all(['x', 'y'].map((principal) => pool.queues.shareOf(principal, QUEUE)));
    expect([x?.waiting, y?.waiting, Math.min(x?.position ?? 0, y?.position ?? 0)]).toEqual([5, 3, 3]);
  });

  it('gives three principals with unequal backlogs equal shares', async () => {
    await queuedMany(300, 'x');
    await queuedMany(25, 'y');
    await queuedMany(40, 'z');
    const counts = new Map<string | undefined, number>();
    for (const name of await takenNames(60)) counts.set(name[0], (counts.get(name[0]) ?? 0) + 1);
    for (const name of ['x', 'y', 'z']) expect(Math.abs((counts.get(name) ?? 0) - 20)).toBeLessThanOrEqual(1);
    await queuedMany(3, 'w');
    expect((await takenNames(12)).filter((name) => name.startsWith('w'))).toHaveLength(3);
  });

  it('are kept when several workers claim at once', async () => {
    const others = [2, 3, 4].map((worker) => pool.queues.claimer(QUEUE, `worker-${worker}`));
    await queuedMany(40, 'x', { priority: 5 });
    await queuedMany(40, 'y');
    await Promise.all(Array.from({ length: 8 }, (_, at) => queued('x', `first${at}`, { priority: 1 })));
    const seen = (
      await Promise.all(
        [claimer, ...others].map(async (worker) => {
          const leases: Lease[] = [];
          for (let at = 0; at < 4; at++) {
            const { lease } = await worker.take();
            if (lease) leases.push(lease);
          }
          return leases;
        }),
      )
    ).flat();
    expect(new Set(seen.map(({ runId }) => runId)).size).toBe(16);
    expect(seen.map(nameOf).filter((name) => name.startsWith('first'))).toHaveLength(8);
    await Promise.all(others.map((worker) => worker.stop()));
  });

  it('are kept when two workers ask while one run waits, and another one comes before they take it', async () => {
    const turns = turnsOf(redis, key);
    const queue = pool.queues.bullQueue(QUEUE);
    const connection = redis.duplicate({ maxRetriesPerRequest: null });
    const movers = new Worker(QUEUE, null, { connection, prefix: queue.opts.prefix ?? '', autorun: false });
    await queued('x');
    await turns.take();
    await queued('y');
    await turns.take();
    const taken = [await movers.getNextJob('first'), await movers.getNextJob('second')];
    expect(taken.map((job) => names.get(job?.id ?? ''))).toEqual(['x', 'y']);
    expect(await remembered()).toMatchObject({ order: 0, places: 0, members: 0 });
    await movers.close(true);
    connection.disconnect();
  });

  it('a run that waits alone, and that a worker was just told to take, is not there for others', async () => {
    const turns = turnsOf(redis, key);
    const askTwice = async () => {
      const id = await queued('x');
      const both = await Promise.all([turns.take(), turns.take()]);
      await pool.queues.remove(id, QUEUE);
      return both;
    };
    await eventually(askTwice, ([first, second]) => first === 1 && second === 0); // a busy machine may be late
  });

  it('a run that waits alone is there at once when its worker gives it back, or its session is free', async () => {
    const other = pool.queues.claimer(QUEUE, 'worker-2');
    const id = await queued('x');
    await (await taken()).giveBack();
    const again = (await other.take()).lease;
    expect(again?.runId).toBe(id);
    await again?.delay(60_000);
    await pool.queues.promote(id, QUEUE);
    expect((await taken()).runId).toBe(id);
    await other.stop();
  });

  it('take what becomes due later as if it came then', async () => {
    const now = { delayMs: 60_000 };
    const late = await queuedMany(20, 'late', now);
    await queuedMany(6, 'x');
    await takenNames(3);
    for (const id of late) await (await pool.queues.bullQueue(QUEUE).getJob(id))?.promote();
    expect(await takenNames(6)).toEqual(['late1', 'x4', 'late2', 'x5', 'late3', 'x6']);
  });

  it('take a run whose delay is over', async () => {
    await queued('x', 'later', { delayMs: 50 });
    expect(await eventually(async () => (await claimer.take()).lease)).toMatchObject({ queue: QUEUE });
  });

  it('begin at the first again long before the end of the priorities of BullMQ, in the same order', async () => {
    await redis.hset(key('turns:times'), { v: '1048576' });
    await queuedMany(3, 'x');
    await queuedMany(3, 'y');
    expect(await takenNames(3)).toEqual(['x1', 'y1', 'x2']);
    const one = await queued('one');
    expect(await position(one)).toBe(2);
    expect(await takenNames(4)).toEqual(['y2', 'one', 'x3', 'y3']);
    expect(await redis.hget(key('turns:times'), 'v')).toBe('3');
  });
});

describe('within the share of a principal', () => {
  it('agent names take turns', async () => {
    for (const agentName of ['a', 'b', 'c'])
      for (let at = 1; at <= (agentName === 'a' ? 6 : 2); at++) await queued('x', agentName, { agentName });
    expect(await takenNames(10)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a', 'a', 'a', 'a']);
    expect(await remembered()).toEqual({ order: 0, places: 0, members: 0, times: 1 });
  });

  it('a lower priority goes first, and no other principal waits longer for it', async () => {
    await queuedMany(4, 'x', { priority: 7 });
    await queuedMany(3, 'y');
    const urgent = await queued('x', 'urgent', { priority: 1 });
    expect(await position(urgent)).toBe(1);
    expect(await takenNames(8)).toEqual(['urgent', 'y1', 'x1', 'y2', 'x2', 'y3', 'x3', 'x4']);
  });

  it('the position is the place at which the run is taken', async () => {
    await queuedMany(5, 'x', { priority: 2 });
    await queuedMany(3, 'y', { agentName: 'b' });
    await queuedMany(2, 'y', { agentName: 'c' });
    await queued('x', 'urgent');
    const told = new Map<string, number | undefined>();
    for (const id of names.keys()) told.set(id, await position(id));
    for (let at = 1; at <= 11; at++) expect(told.get((await taken()).runId)).toBe(at);
  });

  it('a run that is given back is the next, also when others have come', async () => {
    await queuedMany(3, 'x');
    const lease = await taken();
    await queuedMany(2, 'y', { priority: 0 });
    expect(await lease.giveBack()).toBe(true);
    expect(await position(lease.runId)).toBe(1);
    expect(await takenNames(3)).toEqual(['x1', 'y1', 'x2']);
  });

  it('runs that are given back together keep their order, whichever is given back first', async () => {
    await queuedMany(20, 'x');
    const leases: Lease[] = [];
    for (let at = 0; at < 12; at++) leases.push(await taken());
    for (const lease of [...leases.slice(6).reverse(), ...leases.slice(0, 6)]) await lease.giveBack();
    await queuedMany(2, 'y');
    expect(await takenNames(12)).toEqual(leases.map(nameOf));
  });

  it('a run that waited for its session is the next when it is free', async () => {
    await queuedMany(3, 'x');
    const lease = await taken();
    await lease.delay(60_000);
    expect(await takenName()).toBe('x2');
    await queuedMany(2, 'y');
    await pool.queues.promote(lease.runId, QUEUE);
    expect(await takenNames(2)).toEqual(['x1', 'y1']);
  });

  it('runs that waited for their session come back as the first of its share, and before no other principal', async () => {
    await queuedMany(30, 'x');
    const leases: Lease[] = [];
    for (let at = 0; at < 20; at++) {
      const lease = await taken();
      leases.push(lease);
      await lease.delay(60_000);
    }
    await queuedMany(2, 'y');
    for (const { runId } of leases) await (await pool.queues.bullQueue(QUEUE).getJob(runId))?.promote(); // as when it is due
    expect(await takenNames(5)).toEqual(['y1', 'x1', 'y2', 'x2', 'x3']);
  });

  it('a run that is killed while it waits lets the later ones move up', async () => {
    const ids = await queuedMany(50, 'x');
    const others = await queuedMany(5, 'y');
    for (const id of ids.slice(0, 49)) expect(await pool.queues.remove(id, QUEUE)).toBe(true);
    expect(await position(ids[49] ?? '')).toBe(1);
    expect(await position(others[0] ?? '')).toBe(2);
    expect(await takenNames(3)).toEqual(['x50', 'y1', 'y2']);
    expect(await remembered()).toMatchObject({ order: 3, places: 3, members: 3 });
  });

  it('a job that goes without us, as on Bull Board, does no harm', async () => {
    const [first, second] = await queuedMany(4, 'x');
    for (const id of [first, second]) await (await pool.queues.bullQueue(QUEUE).getJob(id ?? ''))?.remove();
    expect(await takenNames(2)).toEqual(['x3', 'x4']);
    expect(await remembered()).toMatchObject({ order: 0, places: 0, members: 0 });
  });

  it('gives the same turns to many new runs at once as to one by one', async () => {
    const mix = Array.from({ length: 40 }, (_, at) => ({
      principal: ['x', 'x', 'y', 'x', 'z'][at % 5] ?? '',
      agentName: at % 3 === 0 ? 'a' : 'b',
      ...(at % 7 === 0 && { priority: at % 2 }),
    }));
    const order = async (queue: string, oneByOne: boolean) => {
      const ids: string[] = [];
      for (const request of mix) {
        const id = newRunId();
        ids.push(id);
        await pool.queues.placeAnew(id, queue, { runner: 'demo', prompt: 'hi', ...request });
        if (oneByOne) await pool.queues.position(id, queue);
      }
      const places = await Promise.all(ids.map((id) => pool.queues.position(id, queue)));
      const own = pool.queues.claimer(queue, 'worker-1');
      const seen: number[] = [];
      for (let { lease } = await own.take(); lease; lease = (await own.take()).lease)
        seen.push(ids.indexOf(lease.runId));
      await own.stop();
      return { places, seen };
    };
    const all = await order(runnerQueue('all'), false);
    expect(all).toEqual(await order(runnerQueue('one'), true));
    expect([...all.seen].sort((a, b) => a - b)).toEqual([...mix.keys()]);
  });

  it('a run that is placed twice has one turn', async () => {
    const [id] = await queuedMany(2, 'x');
    await pool.queues.placeAnew(id ?? '', QUEUE, { runner: 'demo', agentName: 'a', prompt: 'hi', principal: 'x' });
    expect(await takenNames(2)).toEqual(['x1', 'x2']);
    expect((await claimer.take()).lease).toBeUndefined();
  });
});

describe('a queue that the release before has filled', () => {
  it('is drained: first what had no priority, then the rest beside the new runs', async () => {
    const queue = pool.queues.bullQueue(QUEUE);
    const old = (jobId: string, priority?: number) =>
      queue.add('a', { runId: jobId, runner: 'demo', agentName: 'a' }, { jobId, ...(priority && { priority }) });
    await old('old-3', 3);
    for (const id of ['old-1', 'old-2']) await old(id);
    await old('old-last', 2_097_151);
    await queuedMany(3, 'x');
    expect(await takenNames(7)).toEqual(['old-1', 'old-2', 'old-last', 'x1', 'old-3', 'x2', 'x3']);
    expect((await claimer.take()).lease).toBeUndefined();
  });
});

describe('pool_status', () => {
  it('tells a principal its own share, and no names of others', async () => {
    await queuedMany(7, 'secretive');
    await queuedMany(2, 'me');
    const caller = { pool, principal: { name: 'me', scopes: ['read'] as const } };
    const { queues } = await statusOfPool(caller as unknown as Parameters<typeof statusOfPool>[0]);
    expect(queues.find(({ queue }) => queue === QUEUE)).toMatchObject({
      waiting: 9,
      yours: { waiting: 2, position: 2 },
    });
    expect(JSON.stringify(queues)).not.toContain('secretive');
    const local = await statusOfPool({ ...caller, principal: LOCAL } as unknown as Parameters<typeof statusOfPool>[0]);
    expect(local.queues.find(({ queue }) => queue === QUEUE)?.yours).toEqual({ waiting: 0 });
  });
});
