import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import type { RunStore } from '../../../../src/shared/run-store/run-store.js';
import { giveBack, HostFault } from '../../../../src/worker/run/give-back.js';
import { createOwnedRuns } from '../../../../src/worker/run/owned-run.js';
import { spoolOf } from '../../../../src/worker/spool/spool.js';
import { onePlace, onePool } from '../../../support/beginnings.js';

const REQUEST = { runner: 'quick', agentName: 'ann', prompt: 'x' };
const place = onePlace();
const pool = onePool(place, 'working');

/** Gives back a run that was claimed and has a spool, with heartbeats of so many ms; answers whether the spool is still there when the run is queued again. */
async function keepsSpool(runs: RunStore, heartbeatMs: number): Promise<boolean> {
  const id = newRunId();
  const run = await pool.runs.create(id, 'runs.quick', REQUEST);
  await pool.queues.placeAnew(id, run.queue, REQUEST);
  const { epoch } = await pool.runs.claim(id, 'here-1', 'here');
  const spools = join(place.work, id);
  const { stdin } = spoolOf(spools, id);
  mkdirSync(dirname(stdin), { recursive: true });
  writeFileSync(stdin, REQUEST.prompt);
  const owned = createOwnedRuns({ take: () => {}, release: () => {} }, () => {}).obtain({ ...run, epoch }, undefined);
  if (!owned) throw new Error('nobody else has it');
  const { queues, logger } = pool;
  const health = { fault: () => {} };
  const figures = { ended: () => {} };
  const config = { heartbeatMs };
  const deps = { runs, queues, health, figures, host: 'here', spools, config, logger };
  await giveBack(deps, owned, new HostFault('spool', 'the disk is full'));
  expect((await pool.runs.get(id))?.state).toBe('queued');
  return existsSync(stdin);
}

it('removes the spool of a run that was not started', async () => {
  expect(await keepsSpool(pool.runs, 60_000)).toBe(false);
});

it('leaves the spool after standing still, since another worker may have made it anew', async () => {
  const heartbeatMs = 200;
  const notLaunched: RunStore['notLaunched'] = async (...given) => {
    const answer = await pool.runs.notLaunched(...given);
    await pause(2 * heartbeatMs); // the process was stopped before it read the answer
    return answer;
  };
  expect(await keepsSpool({ ...pool.runs, notLaunched }, heartbeatMs)).toBe(true);
});
