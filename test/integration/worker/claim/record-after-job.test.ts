import { expect, test } from 'vitest';
import { newRunId, submitAll } from '../../../../src/client/submit.js';
import { LOCAL } from '../../../../src/shared/principal.js';
import { isEnded } from '../../../../src/shared/run-state.js';
import { startWorker } from '../../../../src/worker/start.js';
import { cleanUpAfterEach } from '../../../support/beginnings.js';
import { connect, makePlace, steps } from '../../../support/pool.js';
import { eventually } from '../../../support/processes.js';

const cleanUp = cleanUpAfterEach();
const QUEUE = 'runs.scripted';
const PROMPT = steps({ print: 'once\n' });
const REQUEST = { runner: 'scripted', agentName: 'scripted', principal: LOCAL.name, prompt: PROMPT };

async function open() {
  const place = makePlace();
  const pool = await connect(place, 'working');
  cleanUp.push(place.clean, pool.stop);
  const endOf = (id: string) =>
    eventually(
      () => pool.runs.get(id),
      (run) => run !== undefined && isEnded(run.state),
      60_000, // much less than the five minutes after which a sweep looks at all records
    );
  return { place, pool, endOf };
}

test('a run whose record was refused while its job was placed, and that a worker took meanwhile, runs when it is submitted again', async () => {
  const { place, pool, endOf } = await open();
  const token = 'again';
  const id = await pool.runs.idForToken(LOCAL.name, token, newRunId());
  await pool.queues.placeAnew(id, QUEUE, REQUEST); // what a cluster keeps of a submission when the server of the record is away
  const worker = await startWorker(pool, { ...place.env, HOME: place.work });
  cleanUp.push(() => worker.stop('detach'));
  await eventually(
    () => pool.queues.has(id, QUEUE),
    (has) => !has,
  );
  const [submitted] = await submitAll({ pool, principal: LOCAL }, [
    { runner: 'scripted', prompt: PROMPT, clientToken: token },
  ]);
  expect(submitted?.run.id).toBe(id);
  expect(await endOf(id)).toMatchObject({ state: 'done', outBytes: 5 });
});

test('a run whose record is written while a worker ends its job for want of it is placed by the worker', async () => {
  const { place, pool, endOf } = await open();
  const id = newRunId();
  /** The submitter writes the record just after the worker has looked for it, and finds the job still there. */
  const get: typeof pool.runs.get = async (...given) => {
    const run = await pool.runs.get(...given);
    if (given[0] !== id || run) return run;
    await pool.runs.create(id, QUEUE, REQUEST);
    await pool.queues.placeAnew(id, QUEUE, REQUEST);
    return undefined;
  };
  await pool.queues.placeAnew(id, QUEUE, REQUEST);
  const worker = await startWorker({ ...pool, runs: { ...pool.runs, get } }, { ...place.env, HOME: place.work });
  cleanUp.push(() => worker.stop('detach'));
  expect(await endOf(id)).toMatchObject({ state: 'done', outBytes: 5 });
});
