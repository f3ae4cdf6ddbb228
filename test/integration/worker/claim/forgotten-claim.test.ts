import { writeFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import { isEnded } from '../../../../src/shared/run-state.js';
import { startWorker } from '../../../../src/worker/start.js';
import { cleanUpAfterEach } from '../../../support/beginnings.js';
import { connect, makePlace } from '../../../support/pool.js';
import { eventually } from '../../../support/processes.js';

const cleanUp = cleanUpAfterEach();
const REQUEST = { runner: 'quick', agentName: 'ann', prompt: 'x' };

test('a claim that a failover has forgotten, but not that its job was taken, is made again at once', async () => {
  const place = makePlace({ AGENTPOOL_RUNNERS: 'quick' });
  writeFileSync(
    place.env.AGENTPOOL_CONFIG ?? '',
    JSON.stringify({ runners: { quick: { command: 'sh', args: ['-c', 'cat >/dev/null; echo done'] } } }),
  );
  const pool = await connect(place, 'working');
  const redis = new Redis(inject('redisUrl').replace('unix://', ''));
  cleanUp.push(place.clean, pool.stop, () => redis.disconnect());
  const id = newRunId();
  let claims = 0;
  /** The first claim is confirmed and forgotten. */
  const claim: typeof pool.runs.claim = async (...given) => {
    const answer = await pool.runs.claim(...given);
    claims += 1;
    const key = `${place.env.AGENTPOOL_PREFIX}:run:{${id}}`;
    if (claims === 1) {
      await redis.hdel(key, 'worker', 'host', 'claimedAt');
      await redis.hset(key, { state: 'queued', epoch: 0 });
    }
    return answer;
  };
  await pool.runs.create(id, 'runs.quick', REQUEST);
  await pool.queues.placeAnew(id, 'runs.quick', REQUEST);
  const worker = await startWorker({ ...pool, runs: { ...pool.runs, claim } }, { ...place.env, HOME: place.work });
  cleanUp.push(() => worker.stop('detach'));
  const run = await eventually(
    () => pool.runs.get(id),
    (seen) => seen !== undefined && isEnded(seen.state),
    15_000, // much less than a job stays with its worker
  );
  expect(run).toMatchObject({ state: 'done' });
  expect(claims).toBe(2);
  await eventually(
    () => pool.queues.counts(),
    (counts) => counts.every(({ active, waiting }) => active + waiting === 0),
  );
});
