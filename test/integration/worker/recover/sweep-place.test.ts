import { beforeEach, expect, it } from 'vitest';
import type { WorkerReport } from '../../../../src/shared/workers/workers.js';
import { createSweepPlace, type SweepPlace } from '../../../../src/worker/recover/sweep-place.js';
import { onePlace, onePool } from '../../../support/beginnings.js';

const place = onePlace();
const pool = onePool(place);
const BEAT_MS = 1_000;
const IDS = ['a-1', 'a-12', 'b-1'];

let own: number;
let places: SweepPlace[];
beforeEach(async () => {
  own = 0;
  const placeOf = (id: string) =>
    createSweepPlace({ workers: pool.workers, id, heartbeatMs: BEAT_MS, elapsed: () => own });
  places = IDS.map(placeOf);
  await Promise.all(IDS.map((id) => pool.workers.leaveSweep(id)));
});

const report = (id: string): WorkerReport => ({
  ...{ id, host: id.slice(0, 1), pid: 1, processStart: '1', version: '1', startedAt: 1, runners: [], capacity: 1 },
  ...{ running: 0, allowedPaths: [], phase: 'ready' },
});

/** Some of them live and look with each of so many heartbeats; answers whose the place is for each of all. */
async function beats(count: number, ...who: number[]): Promise<boolean[]> {
  for (let beat = 0; beat < count; beat += 1) {
    own += BEAT_MS;
    for (const one of who) {
      await pool.workers.beat(report(IDS[one] ?? ''));
      await places[one]?.keep();
    }
  }
  return places.map((one) => one.isOurs());
}

it('one worker of the pool sweeps, for as long as it lives', async () => {
  expect(await beats(1, 1, 0, 2)).toEqual([false, true, false]);
  expect(await beats(20, 0, 1, 2)).toEqual([false, true, false]);
});

it('another one does so when no sign of life has come for three heartbeats, and only one of them', async () => {
  await beats(2, 0, 1, 2);
  expect(await beats(2, 1, 2)).toEqual([true, false, false]);
  expect((await beats(1, 1, 2)).slice(1)).toEqual([true, false]);
  // The one that was silent learns it with its next look, and has not lost its turn to sweep later.
  expect(await beats(1, 0, 1, 2)).toEqual([false, true, false]);
  expect(await beats(5, 0)).toEqual([true, true, false]);
});

it('at once when it is left, and one that was away for long takes nobody for dead', async () => {
  await beats(1, 0, 1);
  await places[0]?.leave();
  expect(await beats(1, 1, 0)).toEqual([false, true, false]);
  own += 100 * BEAT_MS; // its own process did not run
  expect(await beats(1, 1, 2, 0)).toEqual([false, true, false]);
});
