import { describe, expect, it } from 'vitest';
import { whoMustEnd } from '../../../../src/worker/host/who-must-end.js';

const growing = [
  { runId: 'small', bytes: 10, printed: 10, ending: false },
  { runId: 'large', bytes: 100, printed: 100, ending: false },
  { runId: 'silent', bytes: 1_000, printed: 6, ending: false },
];
const plenty = { growing, quotaBytes: 10_000, freeBytes: 10_000, reserveBytes: 400 };
const ended = (changed: Partial<typeof plenty>) => [...whoMustEnd({ ...plenty, ...changed })];

describe('who must end for the others', () => {
  it('is nobody while there is room', () => expect(ended({})).toEqual([]));
  it('is the largest over the quota', () => expect(ended({ quotaBytes: 500 })).toEqual([['silent', 'spool_quota']]));
  it('is the next one when the rest is over the quota while the largest ends', () => {
    const ending = growing.map((run) => ({ ...run, ending: run.runId === 'silent' }));
    expect(ended({ quotaBytes: 100, growing: ending })).toEqual([['large', 'spool_quota']]);
    expect(ended({ quotaBytes: 110, growing: ending })).toEqual([]);
  });
  it('is the one that prints most below the reserve', () =>
    expect(ended({ freeBytes: 399 })).toEqual([['large', 'disk_full']]));
  it('is everyone who prints much near the end of the disk', () =>
    expect(ended({ freeBytes: 99 }).map(([runId]) => runId)).toEqual(['large', 'small']));
  it('is nobody where nobody prints: somebody else fills the disk', () =>
    expect(ended({ freeBytes: 0, growing: growing.map((run) => ({ ...run, printed: 0 })) })).toEqual([]));
});
