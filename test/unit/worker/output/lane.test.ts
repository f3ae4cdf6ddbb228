import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLane } from '../../../../src/worker/output/lane.js';

/** An action that ends when it is told to. */
function held(name: string, log: string[]) {
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const action = async () => {
    log.push(name);
    await over;
    return name;
  };
  return { action, end };
}

test('a lane lets so many through at once, in their order', async () => {
  const lane = createLane(2);
  const log: string[] = [];
  const all = ['a', 'b', 'c', 'd'].map((name) => held(name, log));
  const answers = all.map(({ action }) => lane.through(action));
  await nextTurn();
  expect(log).toEqual(['a', 'b']);
  all[1]?.end();
  await nextTurn();
  expect(log).toEqual(['a', 'b', 'c']);
  for (const { end } of all) end();
  expect(await Promise.all(answers)).toEqual(['a', 'b', 'c', 'd']);
});

test('who fails in a lane makes room for the next one', async () => {
  const lane = createLane(1);
  const failed = lane.through(() => Promise.reject(new Error('refused')));
  const next = lane.through(async () => 'next');
  await expect(failed).rejects.toThrow('refused');
  expect(await next).toBe('next');
  expect(await lane.through(async () => 'later')).toBe('later');
});
