import { Redis } from 'ioredis';
import { expect, inject, it } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import { createContact } from '../../../../src/worker/recover/contact.js';
import { watchOrphans } from '../../../../src/worker/recover/orphan-watch.js';
import { watchRegister } from '../../../../src/worker/recover/register-watch.js';
import { sweepRecords } from '../../../../src/worker/recover/sweep.js';
import { onePlace, onePool } from '../../../support/beginnings.js';
import { configOf } from '../../../support/pool.js';

const place = onePlace();
/** More than a page of any list. */
const OLDER = 250;
const LATER_MS = 61_000;
const REQUEST = { runner: 'quick', agentName: 'ann', prompt: 'x' };
const pool = onePool(place, 'working');

/** What the sweep does when so much time (ms) has passed. */
async function sweepAfter(ms: number): Promise<void> {
  const runs = { ...pool.runs, now: async () => (await pool.runs.now()) + ms };
  const { queues, workers, config, logger } = pool;
  const contact = createContact(configOf(place).heartbeatMs);
  await sweepRecords({
    runs,
    queues,
    workers,
    register: watchRegister({ workers, now: runs.now, heartbeatMs: config.heartbeatMs }),
    orphans: watchOrphans(runs.indexes, config.heartbeatMs),
    id: 'here-1',
    host: 'here',
    config,
    contact,
    logger,
  });
}

it('places a run whose submitter died, behind 250 older ones that wait, and no other one again', async () => {
  for (let n = 0; n < OLDER; n += 1) {
    const id = newRunId();
    await pool.runs.create(id, 'runs.quick', REQUEST);
    await pool.queues.placeAnew(id, 'runs.quick', REQUEST);
  }
  const unplaced = newRunId();
  await pool.runs.create(unplaced, 'runs.quick', REQUEST);

  await sweepAfter(0);
  expect(await pool.queues.has(unplaced, 'runs.quick')).toBe(false); // its submitter may be about to place it
  await sweepAfter(LATER_MS);
  expect(await pool.queues.has(unplaced, 'runs.quick')).toBe(true);
  const waiting = (await pool.queues.counts()).reduce((sum, { waiting }) => sum + waiting, 0);
  expect(waiting).toBe(OLDER + 1);
});

it('places a run again whose job a worker has ended because a failover had forgotten its record', async () => {
  const queue = 'runs.other';
  const claimer = pool.queues.claimer(queue, 'here-1');
  const takeFrom = async () => (await claimer.take()).lease;
  const id = newRunId();
  await pool.queues.placeAnew(id, queue, REQUEST);
  const lease = await takeFrom();
  expect(await lease?.finish({ state: 'failed', message: 'its record is gone' })).toBe(true);
  await pool.runs.create(id, queue, REQUEST); // by a submitter that dies before it places it again
  expect(await takeFrom()).toBeUndefined();
  await sweepAfter(LATER_MS);
  expect((await takeFrom())?.runId).toBe(id);
  await claimer.stop();
});

it('leaves a run in the indexes whose record is just being written, as on a cluster, and forgets one without any', async () => {
  const redis = new Redis(inject('redisUrl').replace('unix://', ''));
  const entered = async () => {
    const id = newRunId();
    const { commands } = pool.runs.indexes.additions([{ id, principal: 'local', ...REQUEST }], await pool.runs.now());
    await redis.pipeline(commands as never).exec();
    return id;
  };
  const listed = async () => {
    const found: string[] = [];
    for await (const id of pool.runs.indexes.oldestFirst()) found.push(id);
    return found;
  };
  const [written, abandoned] = [await entered(), await entered()];
  await sweepAfter(0);
  expect(await listed()).toEqual(expect.arrayContaining([written, abandoned]));
  await pool.runs.create(written, 'runs.quick', REQUEST);
  await sweepAfter(LATER_MS);
  expect(await listed()).toContain(written);
  expect(await listed()).not.toContain(abandoned);
  redis.disconnect();
});
