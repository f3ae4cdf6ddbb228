import { expect, test } from 'vitest';
import { checkShare } from '../../../src/client/check-share.js';
import type { Pool } from '../../../src/shared/pool.js';
import { onePlace, onePool } from '../../support/beginnings.js';
import { eventually } from '../../support/processes.js';

const MOST = 40;
const place = onePlace({ AGENTPOOL_MAX_QUEUED_RUNS: String(MOST) });
const opened = onePool(place);
const request = { runner: 'scripted', agentName: 'ann', prompt: '[]' };

/** Somebody who submits, and how often what they have was counted. */
function someone(name: string) {
  let counts = 0;
  const heldBy: Pool['runs']['heldBy'] = (principal) => {
    counts += 1;
    return opened.runs.heldBy(principal);
  };
  const pool = { config: opened.config, runs: { heldBy } } as unknown as Pool;
  const ask = () => checkShare({ pool, principal: { name, scopes: ['run'] } }, ['[]']);
  return { ask, counts: () => counts };
}

const queue = (principal: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, at) =>
      opened.runs.create(`${principal}${at}`, 'runs.scripted', { ...request, principal }),
    ),
  );

test('all who submit at one moment are counted once, and no more are let in than may be queued', async () => {
  await queue('ann', MOST - 10);
  const ann = someone('ann');
  const answers = await Promise.allSettled(Array.from({ length: 30 }, ann.ask));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'too_many_queued', message: expect.stringContaining(`${MOST} runs queued`) },
  });
  expect(ann.counts()).toBe(1);
});

test('nobody is refused for what was counted more than a second ago', async () => {
  await queue('bob', MOST);
  const bob = someone('bob');
  await expect(bob.ask()).rejects.toMatchObject({ code: 'too_many_queued' });
  for (let at = 0; at < MOST; at += 1) await opened.runs.end(`bob${at}`, undefined, { state: 'killed' });
  await eventually(() =>
    bob.ask().then(
      () => true,
      () => false,
    ),
  );
  expect(bob.counts()).toBe(2);
});

test('a count that fails is made again by whoever comes next', async () => {
  let fails = true;
  const heldBy: Pool['runs']['heldBy'] = async (principal) => {
    if (fails) throw new Error('away');
    return opened.runs.heldBy(principal);
  };
  const pool = { config: opened.config, runs: { heldBy } } as unknown as Pool;
  const ask = () => checkShare({ pool, principal: { name: 'cleo', scopes: ['run'] } }, ['[]']);
  await expect(ask()).rejects.toThrow('away');
  fails = false;
  await expect(ask()).resolves.toBeUndefined();
});
