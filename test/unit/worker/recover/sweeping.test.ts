import { expect, test, vi } from 'vitest';
import { openLogger } from '../../../../src/shared/logger.js';
import { startSweeping } from '../../../../src/worker/recover/sweep.js';

const MINUTE_MS = 60_000;

test('all records are looked at every five minutes, and a minute after the connection to Redis was lost', async () => {
  let nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  let beats = 0;
  let looks = 0;
  let interruptions = 0;
  const nothing = async () => {};
  const sweeping = startSweeping({
    heartbeatMs: 1,
    place: { keep: nothing, isOurs: () => true, leave: nothing },
    interruptions: () => interruptions,
    here: { often: nothing, seldom: nothing },
    pool: {
      owners: async () => {
        beats += 1;
      },
      kept: nothing,
      records: async () => {
        looks += 1;
      },
    },
    logger: openLogger('test', 'error'),
  });
  /** How often they were looked at by then, and some heartbeats later. */
  const looksAt = async (atMs: number) => {
    nowMs = atMs;
    const before = beats;
    await vi.waitUntil(() => beats > before + 3, { timeout: 30_000 });
    return looks;
  };
  try {
    expect(await looksAt(0)).toBe(1);
    expect(await looksAt(4 * MINUTE_MS)).toBe(1);
    expect(await looksAt(6 * MINUTE_MS)).toBe(2);
    interruptions = 1;
    expect(await looksAt(7 * MINUTE_MS)).toBe(2);
    interruptions = 2; // does not put it off
    expect(await looksAt(7.5 * MINUTE_MS)).toBe(2);
    expect(await looksAt(8.1 * MINUTE_MS)).toBe(3);
    expect(await looksAt(12 * MINUTE_MS)).toBe(3);
  } finally {
    await sweeping.stop();
    clock.mockRestore();
  }
});
