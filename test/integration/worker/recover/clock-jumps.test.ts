import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import type { Pool } from '../../../../src/shared/pool.js';
import type { WorkerReport } from '../../../../src/shared/workers/workers.js';
import { createContact } from '../../../../src/worker/recover/contact.js';
import { watchOrphans } from '../../../../src/worker/recover/orphan-watch.js';
import { watchRegister } from '../../../../src/worker/recover/register-watch.js';
import { type SweepDeps, sweepOwners } from '../../../../src/worker/recover/sweep.js';
import { connect, makePlace, type Place } from '../../../support/pool.js';

const TWO_HOURS = 7_200_000;
const BEAT_MS = 500;
let place: Place;
let pool: Pool;
let redis: Redis;
/** Our own time (ms): it goes on while the clock of Redis does what it wants. */
let own: number;
let sweep: SweepDeps;
let run: string;

beforeEach(async () => {
  place = makePlace();
  pool = await connect(place, 'working');
  redis = new Redis({ path: (place.env.REDIS_URL ?? '').slice('unix://'.length) });
  own = 1_000_000;
  const { runs, queues, workers, config, logger } = pool;
  const elapsed = () => own;
  sweep = {
    runs,
    queues,
    workers,
    register: watchRegister({ workers, now: runs.now, heartbeatMs: BEAT_MS, elapsed }),
    orphans: watchOrphans(runs.indexes, BEAT_MS, elapsed),
    id: 'here-1',
    host: 'here',
    config,
    contact: createContact(BEAT_MS, elapsed),
    logger,
  };
  run = newRunId();
  await runs.create(run, 'runs.quick', { runner: 'quick', agentName: 'ann', prompt: 'x' });
  await runs.claim(run, 'there-1', 'there');
});
afterEach(async () => {
  redis.disconnect();
  await pool.stop();
  place.clean();
});

const report = (id: string, host: string): WorkerReport => ({
  ...{ id, host, pid: 1, processStart: '1', version: '1', startedAt: 1, runners: [], capacity: 1, running: 1 },
  ...{ allowedPaths: [], phase: 'ready' },
});

/** A heartbeat's time goes by: these workers tell that they live, and the sweep looks. */
async function beat(...living: readonly string[]): Promise<void> {
  own += BEAT_MS;
  for (const id of ['here-1', ...living]) await pool.workers.beat(report(id, id.slice(0, -2)));
  sweep.contact.heard();
  await sweepOwners(sweep);
}

async function beats(count: number, ...living: readonly string[]): Promise<void> {
  for (let n = 0; n < count; n += 1) await beat(...living);
}

/** To a clock that jumps ahead, everything that it has written is so much older; to one that goes back, younger. */
async function clockJumps(byMs: number): Promise<void> {
  const key = `{${place.env.AGENTPOOL_PREFIX}:workers}:beats`;
  for (const id of await redis.zrange(key, '0', '-1')) await redis.zincrby(key, -byMs, id);
}

const stateOf = async () => (await pool.runs.get(run))?.state;
const isAlive = async (id: string) => (await pool.workers.list()).find((worker) => worker.id === id)?.alive;

describe.each([
  ['ahead', TWO_HOURS],
  ['back', -TWO_HOURS],
])('when the clock of Redis jumps two hours %s', (_, byMs) => {
  test('no run of a living worker is given up, just before its heartbeat or after it', async () => {
    await beats(5, 'there-1');
    await clockJumps(byMs);
    await beat(); // the sweep is the first to look
    expect(await stateOf()).toBe('running');
    await beat('there-1');
    expect([await stateOf(), await isAlive('there-1')]).toEqual(['running', true]);
    own += BEAT_MS;
    await pool.workers.beat(report('there-1', 'there')); // heard, and then the clock jumps before anybody looks
    await clockJumps(byMs);
    await beat();
    expect(await stateOf()).toBe('running');
    await beats(5, 'there-1');
    expect([await stateOf(), await isAlive('there-1')]).toEqual(['running', true]);
  });

  test('a worker that died is taken for dead after three heartbeats, and its run is lost in its own time', async () => {
    await beats(5, 'there-1');
    await clockJumps(byMs);
    await beats(4);
    expect([await stateOf(), await isAlive('there-1')]).toEqual(['orphaned', false]);
    own += pool.config.lostAfterMs - 12 * BEAT_MS;
    await beats(4);
    expect(await stateOf()).toBe('orphaned');
    await beats(6);
    expect((await pool.runs.get(run))?.failure).toMatchObject({ kind: 'lost' });
  });
});
