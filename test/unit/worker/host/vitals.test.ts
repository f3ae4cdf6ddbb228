import { describe, expect, it } from 'vitest';
import { type Vitals, verdictOf } from '../../../../src/worker/host/vitals.js';

const WELL: Vitals = {
  redis: undefined,
  silentMs: 4_000,
  claimingMs: 5_000,
  heartbeatMs: 5_000,
  phase: 'ready',
  problem: undefined,
};
const verdict = (seen: Partial<Vitals>) => verdictOf({ ...WELL, ...seen });

describe('what is wrong with a worker', () => {
  it('is nothing while its loops come round and Redis answers', () => {
    expect(verdict({})).toEqual({ live: [], ready: [] });
  });

  it('is a loop that hangs although Redis answers: it neither lives nor is ready', () => {
    for (const hung of [{ silentMs: 61_000 }, { claimingMs: 61_000 }]) {
      const { live, ready } = verdict(hung);
      expect(live).toEqual([expect.stringContaining('hangs for 61 s')]);
      expect(ready).toEqual(expect.arrayContaining([...live]));
    }
    expect(verdict({ claimingMs: 300_000, heartbeatMs: 60_000 }).live).toEqual([]); // its heartbeat is that slow
  });

  it('is no reason for a restart while Redis is away: it lives and is not ready', () => {
    const { live, ready } = verdict({ redis: 'Redis is unreachable', silentMs: 100_000, claimingMs: 100_000 });
    expect(live).toEqual([]);
    expect(ready).toEqual(['Redis is unreachable', 'Redis has taken no heartbeat for 100 s']);
  });

  it('keeps it from being ready where the host is sick, heartbeats are late, or it is stopping', () => {
    expect(verdict({ problem: { kind: 'disk' } }).ready).toEqual([expect.stringContaining('(disk)')]);
    expect(verdict({ silentMs: 16_000 }).ready).toEqual(['Redis has taken no heartbeat for 16 s']);
    expect(verdict({ phase: 'stopping', claimingMs: 100_000 })).toEqual({ live: [], ready: ['it is stopping'] });
  });
});
