import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createAfterResult } from '../../../../src/worker/run/after-result.js';

/** What is seen of a program that prints its terminal event; `messagesAfterMs`: when it prints further ones. */
async function seen(graceMs: number, messagesAfterMs: readonly number[]) {
  let messages = 1;
  const begun = performance.now();
  const timers = messagesAfterMs.map((ms) => setTimeout(() => (messages += 1), ms));
  const steps: string[] = [];
  const tookMs = await new Promise<number>((resolve) => {
    const after = createAfterResult({
      graceMs,
      messages: () => messages,
      onLingering: () => steps.push('lingers'),
      onOver: () => {
        steps.push('over');
        resolve(performance.now() - begun);
      },
    });
    after.ended();
  });
  timers.forEach(clearTimeout);
  return { steps, tookMs, messages };
}

test('a program that says nothing after its terminal event gets the grace, and its result is recorded before', async () => {
  const { steps, tookMs } = await seen(200, []);
  expect(steps).toEqual(['lingers', 'over']);
  expect(tookMs).toBeGreaterThanOrEqual(199);
});

test('a program that goes on with messages gets the grace anew', async () => {
  const { tookMs, messages } = await seen(200, [100, 300]);
  expect(messages).toBe(3);
  expect(tookMs).toBeGreaterThanOrEqual(599);
});

test('nothing happens to a program that has ended', async () => {
  const steps: string[] = [];
  const after = createAfterResult({
    graceMs: 20,
    messages: () => 1,
    onLingering: () => steps.push('lingers'),
    onOver: () => steps.push('over'),
  });
  after.ended();
  after.stop();
  await pause(60);
  expect(steps).toEqual([]);
});
