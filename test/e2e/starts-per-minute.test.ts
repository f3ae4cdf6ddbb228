import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { oneMcp, onePlace, onePool, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { eventually, type Facts } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_STARTS_PER_MINUTE: 'scripted=2' });
const pool = onePool(place);
oneWorker(place);
const mcp = oneMcp(place);

type Status = Facts & { runId: string; status: string; startedAt: number };
const submit = (more: Facts = {}) =>
  mcp.call<Status>('run_agent', { runner: 'scripted', prompt: steps({ print: 'x\n' }), ...more });
const statusOf = (runId: string) => mcp.call<Status>('get_agent_status', { runId });

/** Makes the starts of the last minute older by so much (ms). */
async function age(byMs: number): Promise<void> {
  const redis = new Redis({ path: (place.env.REDIS_URL ?? '').replace('unix://', '') });
  const keys = await redis.keys(`*${place.env.AGENTPOOL_PREFIX}*scripted*:starts`);
  expect(keys).toHaveLength(1);
  const [key = ''] = keys;
  for (const run of await redis.zrange(key, 0, '-1')) await redis.zincrby(key, -byMs, run);
  await redis.quit();
}

test('no more runs of a runner are started in a minute than the pool may; the next one says until when it waits', async () => {
  const first = await submit();
  const second = await submit();
  for (const { runId } of [first, second])
    expect(await mcp.call('wait_agent', { runId })).toMatchObject({ status: 'done' });
  const { startedAt } = await statusOf(first.runId);

  const third = await submit();
  const { waitingFor } = await eventually(
    () => statusOf(third.runId),
    (seen) => (seen.waitingFor as Facts | undefined)?.kind === 'limit',
  );
  expect(waitingFor).toMatchObject({
    message: "The pool's limit of 2 starts of scripted in a minute is reached",
    hint: expect.stringMatching(/AGENTPOOL_STARTS_PER_MINUTE/),
  });
  const { until } = waitingFor as { until: number };
  expect(Math.abs(until - startedAt - 60_000)).toBeLessThan(30_000);
  const { startsLastMinute } = await eventually(
    () => pool.queues.permits.use('scripted'),
    ({ running }) => running === 0, // a permit is given back after the end is told
  );
  expect(startsLastMinute).toBe(2);

  // Nothing of another runner waits behind it.
  const other = await submit({ runner: 'plain-text' });
  expect(await mcp.call('wait_agent', { runId: other.runId })).toMatchObject({ status: 'done' });
  expect(await statusOf(third.runId)).toMatchObject({ status: 'queued' });

  // Its worker asks again when the minute is over; here that is over sooner, with the next thing that tells it to ask.
  await age(60_000);
  const told = await pool.queues.permits.take('scripted', 'somebody', {}, 60_000);
  expect(told).toBe('yes');
  await pool.queues.permits.release('scripted', 'somebody', true);
  expect(await mcp.call('wait_agent', { runId: third.runId })).toMatchObject({ status: 'done' });
}, 120_000);
