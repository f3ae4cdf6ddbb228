import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import type { Pool } from '../../../../src/shared/pool.js';
import { runnerQueue } from '../../../../src/shared/queues/route.js';
import { connect, makePlace, type Place } from '../../../support/pool.js';

const GPU = runnerQueue('demo', ['gpu']);
let place: Place;
let pool: Pool;
let stops: (() => void | Promise<void>)[];

beforeEach(async () => {
  place = makePlace();
  pool = await connect(place);
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await pool.stop();
  place.clean();
});

async function placed(queue: string): Promise<string> {
  const id = newRunId();
  await pool.queues.placeAnew(id, queue, { runner: 'demo', agentName: 'a', prompt: 'hi', principal: 'x' });
  return id;
}

test('the first run of a set of requirements tells whoever listens to its runner of a new queue, the next one does not', async () => {
  let told = 0;
  let jobs = 0;
  const onJob = () => {
    jobs += 1;
  };
  const onNewQueue = (what: string) => {
    if (what === 'new-queue') told += 1;
  };
  stops.push(await pool.queues.onPlaced(runnerQueue('demo'), onJob, onNewQueue));
  await placed(GPU);
  await placed(GPU);
  await placed(runnerQueue('demo'));
  await pool.redisProblem(); // its notification comes after those
  expect([told, jobs]).toEqual([1, 1]);
  expect(await pool.queues.requiring()).toEqual([GPU]);
});

test('a queue with requirements is listened to as long as a job waits or is held, shown as long as one that has ended is kept, and comes back', async () => {
  const id = await placed(GPU);
  await pool.queues.clean();
  expect(await pool.queues.requiring()).toEqual([GPU]);

  const claimer = pool.queues.claimer(GPU, 'worker-1');
  stops.push(() => claimer.stop());
  const { lease } = await claimer.take();
  expect(lease?.runId).toBe(id);
  await pool.queues.clean();
  expect(await pool.queues.requiring()).toEqual([GPU]);

  await lease?.finish({ state: 'done' });
  await pool.queues.clean();
  expect([await pool.queues.requiring(), await pool.queues.names()]).toEqual([[], [GPU]]);

  await pool.queues.bullQueue(GPU).obliterate();
  await pool.queues.clean();
  expect(await pool.queues.names()).toEqual([]);

  await placed(GPU);
  expect([await pool.queues.requiring(), await pool.queues.names()]).toEqual([[GPU], [GPU]]);
});

/** What a failover of the server that has these names, of a cluster, may forget; the jobs are on another one. */
async function forgetNames(...sets: readonly string[]): Promise<void> {
  const redis = new Redis(place.env.REDIS_URL ?? '');
  await redis.del(...sets.map((set) => `${pool.config.prefix}:${set}`));
  redis.disconnect();
}

test('a queue with requirements that a failover has forgotten is listened to again, when its run is placed once more or a sweep looks', async () => {
  const id = await placed(GPU);
  let told = 0;
  const onNewQueue = () => {
    told += 1;
  };
  stops.push(await pool.queues.onPlaced(runnerQueue('demo'), () => {}, onNewQueue));
  await forgetNames('queues', 'queues-with-requirements');
  await pool.queues.placeAnew(id, GPU, { runner: 'demo', agentName: 'a', prompt: 'hi', principal: 'x' });
  expect([await pool.queues.requiring(), await pool.queues.names()]).toEqual([[GPU], [GPU]]);
  await forgetNames('queues-with-requirements');
  await pool.queues.clean();
  expect(await pool.queues.requiring()).toEqual([GPU]);
  await pool.redisProblem(); // its notification comes after those
  expect(told).toBe(2);
  expect(await pool.queues.position(id, GPU)).toBe(1);
});

test('a queue of a runner stays known while it is empty', async () => {
  await pool.queues.announce(runnerQueue('demo'));
  await pool.queues.clean();
  expect(await pool.queues.names()).toEqual([runnerQueue('demo')]);
});

test('there are no more than 64 sets of requirements at once; those whose runs have ended do not count', async () => {
  const queues = Array.from({ length: 64 }, (_, at) => runnerQueue('demo', [`n=${at}`]));
  const [first = ''] = await Promise.all(queues.map(placed));
  const further = runnerQueue('demo', ['further']);
  await expect(pool.queues.checkRoom(further, 'somebody')).rejects.toMatchObject({
    code: 'queue_full',
    message: expect.stringMatching(/64 different sets/),
  });
  await pool.queues.checkRoom(queues[0] ?? '', 'somebody');
  await pool.queues.checkRoom(runnerQueue('demo'), 'somebody');
  await pool.queues.remove(first, queues[0] ?? '');
  await pool.queues.checkRoom(further, 'somebody');
});
