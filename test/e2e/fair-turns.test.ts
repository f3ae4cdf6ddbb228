import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newRunId } from '../../src/client/submit.js';
import { runnerQueue } from '../../src/shared/queues/route.js';
import type { Run } from '../../src/shared/run.js';
import { isEnded } from '../../src/shared/run-state.js';
import { onePlace, onePool, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { eventually } from '../support/processes.js';

const MANY = 5_000;
/** So many are submitted at once: a busy machine answers thousands in more time than a command has. */
const AT_ONCE = 500;
const QUEUE = runnerQueue('scripted');
const place = onePlace({ AGENTPOOL_HOST_NAME: 'here', AGENTPOOL_CONCURRENCY: '1' });
const pool = onePool(place);
oneWorker(place);

async function submit(principal: string, ...list: Parameters<typeof steps>): Promise<string> {
  const id = newRunId();
  const request = { runner: 'scripted', agentName: 'a', prompt: steps(...list), path: place.work, principal };
  await pool.runs.create(id, QUEUE, request);
  await pool.queues.placeAnew(id, QUEUE, request);
  return id;
}
const reached = (id: string, holds: (run: Run | undefined) => boolean) => eventually(() => pool.runs.get(id), holds);

it('starts the one run of a principal as soon as one slot is free, beside 5,000 queued ones of another', async () => {
  const running = await submit('many', { until: join(place.work, 'go') });
  await reached(running, (run) => run?.pid !== undefined);
  const queued: string[] = [];
  while (queued.length < MANY)
    queued.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => submit('many', { print: 'x' })))));
  const one = await submit('one', { until: join(place.work, 'end') });
  expect(await pool.queues.position(one, QUEUE)).toBe(1);
  expect(await pool.runs.get(one)).toMatchObject({ state: 'queued' });
  writeFileSync(join(place.work, 'go'), '');
  await reached(one, (run) => run?.pid !== undefined);
  const [first, last] = [await pool.runs.get(queued[0] ?? ''), await pool.runs.get(queued.at(-1) ?? '')];
  expect([first?.state, last?.state]).toEqual(['queued', 'queued']);
  writeFileSync(join(place.work, 'end'), '');
  await reached(one, (run) => run !== undefined && isEnded(run.state));
  await reached(queued[0] ?? '', (run) => run?.state === 'done');
});
