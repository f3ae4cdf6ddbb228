import { expect, it } from 'vitest';
import { findRun } from '../../../../src/client/find-run.js';
import { requestOf } from '../../../../src/client/rerun.js';
import { LOCAL } from '../../../../src/shared/principal.js';
import { BEGINNING } from '../../../../src/shared/run-store/output.js';
import { keptSweep } from '../../../../src/worker/recover/sweep.js';
import { onePlace, onePool } from '../../../support/beginnings.js';

const place = onePlace();
const pool = onePool(place);

const BYTES = 10_000;

/** A run that has printed so much and has ended. */
async function ended(id: string): Promise<void> {
  await pool.runs.create(id, 'runs.scripted', { runner: 'scripted', agentName: 'a', prompt: `prompt of ${id}` });
  const { epoch } = await pool.runs.claim(id, 'w', 'h');
  await pool.runs.append({ id, epoch }, [{ kind: 'out', offset: 0, bytes: Buffer.alloc(BYTES, 'x') }]);
  await pool.runs.end(id, epoch, { state: 'done', exitCode: 0, result: 'kept' });
}
const bytesOf = async (id: string) =>
  (await pool.runs.output(id, { from: BEGINNING, maxBytes: 2 * BYTES, final: true })).bytes.length;

it('output of the runs that ended first is let go when all together have too much, and their records say why', async () => {
  for (const id of ['r1', 'r2', 'r3']) await ended(id);
  expect(await pool.runs.letGoOverCap(3 * BYTES)).toBe(0);
  expect(await pool.runs.letGoOverCap(2 * BYTES)).toBe(1);
  expect([await bytesOf('r1'), await bytesOf('r2'), await bytesOf('r3')]).toEqual([0, BYTES, BYTES]);
  const caller = { pool, principal: LOCAL };
  const gone = await findRun(caller, { runId: 'r1' });
  expect(gone).toMatchObject({ state: 'done', letGo: true });
  expect(await pool.runs.result('r1')).toBe('kept');
  await expect(requestOf(caller, gone)).rejects.toThrow('is not kept any more');
  await expect(requestOf(caller, gone)).rejects.toMatchObject({
    code: 'no_longer_kept',
    hint: expect.stringContaining('AGENTPOOL_MAX_KEPT_BYTES'),
  });
  expect(await requestOf(caller, await findRun(caller, { runId: 'r2' }))).toMatchObject({ prompt: 'prompt of r2' });
  expect(await pool.runs.letGoOverCap(2 * BYTES)).toBe(0);
  expect(await pool.runs.letGoOverCap(0)).toBe(2);
});

it('a limit of Redis that is lowered for a moment lets nothing go, one that lasts does', async () => {
  await ended('r4');
  let maxMemoryBytes: number | undefined;
  const { runs, config, logger } = pool;
  const sweep = keptSweep({
    runs,
    config,
    logger,
    health: async () => (maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
  });
  const keptAfter = async (limit: number | undefined) => {
    maxMemoryBytes = limit;
    await sweep();
    return bytesOf('r4');
  };
  const kept: number[] = [];
  for (const limit of [1, undefined, 1, 1]) kept.push(await keptAfter(limit));
  expect(kept).toEqual([BYTES, BYTES, BYTES, 0]);
});

it('workers that look at the same time let go of no more than one of them would', async () => {
  const ids = Array.from({ length: 8 }, (_, at) => `together-${at}`);
  for (const id of ids) await ended(id);
  const first = pool.runs.letGoOverCap(4 * BYTES);
  await pool.runs.now(); // the second one is some steps behind
  await Promise.all([first, pool.runs.letGoOverCap(4 * BYTES)]);
  expect(await Promise.all(ids.map(bytesOf))).toEqual([0, 0, 0, 0, BYTES, BYTES, BYTES, BYTES]);
});
