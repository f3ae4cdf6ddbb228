import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newRunId } from '../../src/client/submit.js';
import { runnerQueue } from '../../src/shared/queues/route.js';
import type { Run } from '../../src/shared/run.js';
import { oneMcp, onePlace, onePool, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { eventually } from '../support/processes.js';

const QUEUE = runnerQueue('scripted');
const place = onePlace({ AGENTPOOL_CONCURRENCY: '4', AGENTPOOL_MAX_RUNNING_RUNS: '2' });
const pool = onePool(place);
oneWorker(place);
const mcp = oneMcp(place);

async function submit(principal: string, file: string): Promise<string> {
  const id = newRunId();
  const prompt = steps({ until: join(place.work, file) });
  const request = { runner: 'scripted', agentName: 'a', prompt, path: place.work, principal };
  await pool.runs.create(id, QUEUE, request);
  await pool.queues.placeAnew(id, QUEUE, request);
  return id;
}
const reached = (id: string, holds: (run: Run | undefined) => boolean) => eventually(() => pool.runs.get(id), holds);
const statesOf = async (ids: readonly string[]) =>
  (await Promise.all(ids.map((id) => pool.runs.get(id)))).map((run) => run?.state);

it('a principal runs no more than its share at once, another one has the slots that are left, and each end lets the next begin', async () => {
  const many: string[] = [];
  for (let at = 0; at < 4; at += 1) many.push(await submit('many', `go-${at}`));
  const running = await eventually(
    () => statesOf(many),
    (states) => states.filter((state) => state === 'running').length === 2,
  );
  expect(running.filter((state) => state === 'queued')).toHaveLength(2);

  // The runs over the share have had their turn before this one, so it starts only if they take no slot.
  const one = await submit('one', 'one');
  await reached(one, (run) => run?.state === 'running');
  expect((await statesOf(many)).sort()).toEqual(['queued', 'queued', 'running', 'running']);

  const ofCaller = await mcp.call<{ limits: { runningRuns: unknown } }>('pool_status', {});
  expect(ofCaller.limits.runningRuns).toEqual({ used: 0, most: 2 });

  const first = many[running.indexOf('running')] ?? '';
  writeFileSync(join(place.work, `go-${many.indexOf(first)}`), '');
  await reached(first, (run) => run?.state === 'done');
  await eventually(
    () => statesOf(many),
    (states) => states.filter((state) => state === 'running').length === 2,
    30_000,
  );
  expect((await statesOf(many)).sort()).toEqual(['done', 'queued', 'running', 'running']);
  for (const file of ['go-0', 'go-1', 'go-2', 'go-3', 'one']) writeFileSync(join(place.work, file), '');
  for (const id of [...many, one]) await reached(id, (run) => run?.state === 'done');
}, 120_000);
