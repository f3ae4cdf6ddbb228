import { expect, test } from 'vitest';
import { startLimits } from '../../../../src/worker/run/limits.js';

type Limit = 'time_limit' | 'silence_limit';

/** Waits until a limit is reached; `reached` grows if another one follows. */
async function firstOf(timeoutMs: number, silenceTimeoutMs: number, elapsedMs = 0) {
  const reached: Limit[] = [];
  const begun = performance.now();
  await new Promise<void>((resolve) => {
    startLimits({ timeoutMs, silenceTimeoutMs }, elapsedMs, (which) => {
      reached.push(which);
      resolve();
    });
  });
  return { reached, tookMs: performance.now() - begun };
}

test('a program that takes too long reaches its time limit, not before', async () => {
  const { reached, tookMs } = await firstOf(120, 60_000);
  expect(reached).toEqual(['time_limit']);
  expect(tookMs).toBeGreaterThanOrEqual(120);
});

test('a program that is silent too long reaches its silence limit, not before', async () => {
  const { reached, tookMs } = await firstOf(60_000, 120);
  expect(reached).toEqual(['silence_limit']);
  expect(tookMs).toBeGreaterThanOrEqual(120);
});

test('a silence limit of 0 means no limit', async () => {
  expect((await firstOf(100, 0)).reached).toEqual(['time_limit']);
});

test('a program that goes on printing is never silent too long', async () => {
  const reached: Limit[] = [];
  await new Promise<void>((resolve) => {
    const limits = startLimits({ timeoutMs: 1_500, silenceTimeoutMs: 700 }, 0, (which) => {
      reached.push(which);
      clearInterval(printing);
      resolve();
    });
    const printing = setInterval(limits.heard, 20);
  });
  expect(reached).toEqual(['time_limit']);
});

test('the time under an earlier worker counts, and may be more than there is', async () => {
  expect((await firstOf(10_000_000, 0, 9_999_950)).reached).toEqual(['time_limit']);
  expect((await firstOf(1_000, 60_000, 1_000)).reached).toEqual(['time_limit']);
  expect((await firstOf(1_000, 60_000, 99_999)).reached).toEqual(['time_limit']);
});

test('limits of a month are longer than a timer of Node, and are not reached at once', async () => {
  const month = 30 * 86_400_000;
  const overflows: string[] = [];
  const note = ({ name }: Error) => overflows.push(name);
  process.on('warning', note);
  const { reached, tookMs } = await firstOf(month, 150);
  const long = startLimits({ timeoutMs: month, silenceTimeoutMs: month }, 0, (which) => reached.push(which));
  await firstOf(100, 0); // by then it would have been reached, and the warning printed
  long.stop();
  process.off('warning', note);
  expect(reached).toEqual(['silence_limit']);
  expect(tookMs).toBeGreaterThanOrEqual(150);
  expect(overflows).not.toContain('TimeoutOverflowWarning');
});

test('a limit is reached once, and never after the stop', async () => {
  const reached: Limit[] = [];
  const onLimit = (which: Limit) => reached.push(which);
  startLimits({ timeoutMs: 40, silenceTimeoutMs: 30 }, 0, onLimit);
  const stopped = startLimits({ timeoutMs: 30, silenceTimeoutMs: 30 }, 0, onLimit);
  stopped.stop();
  stopped.stop();
  stopped.heard();
  await firstOf(200, 0);
  expect(reached).toHaveLength(1);
});
