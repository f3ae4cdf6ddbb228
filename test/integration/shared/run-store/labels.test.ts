import { beforeAll, describe, expect, it } from 'vitest';
import { findRuns } from '../../../../src/client/list-runs.js';
import { LOCAL } from '../../../../src/shared/principal.js';
import type { Labels } from '../../../../src/shared/run.js';
import { onePlace, onePool } from '../../../support/beginnings.js';

const place = onePlace();
const pool = onePool(place);

beforeAll(async () => {
  await create('r1', { ticket: '4711', team: 'search' });
  await create('r2', { ticket: '4711', team: 'ads' });
  await create('r3', { ticket: '12', team: 'search' });
  await create('r4', undefined);
});

const create = (id: string, labels: Labels | undefined) =>
  pool.runs.create(id, 'runs.scripted', {
    runner: 'scripted',
    agentName: 'a',
    prompt: '\n  fix the tests\nand more',
    ...(labels && { labels }),
  });

const idsWith = async (labels: Labels, more: object = {}) => {
  const { runs } = await findRuns({ pool, principal: LOCAL }, { labels, limit: 10, ...more });
  return runs.map(({ runId }) => runId);
};

describe('labels', () => {
  it('find the runs that have all of them, newest first', async () => {
    expect(await idsWith({ ticket: '4711' })).toEqual(['r2', 'r1']);
    expect(await idsWith({ team: 'search' })).toEqual(['r3', 'r1']);
    expect(await idsWith({ ticket: '4711', team: 'search' })).toEqual(['r1']);
    expect(await idsWith({ ticket: '4711' }, { agentName: 'a', status: 'queued' })).toEqual(['r2', 'r1']);
    expect(await idsWith({ ticket: '471' })).toEqual([]);
  });

  it('count in statistics, too', async () => {
    const { stats } = await findRuns({ pool, principal: LOCAL }, { labels: { team: 'search' }, limit: 1, stats: true });
    expect(stats).toEqual([{ runner: 'scripted', status: 'queued', count: 2 }]);
  });

  it('are with the record, and the request', async () => {
    expect((await pool.runs.get('r1'))?.labels).toEqual({ ticket: '4711', team: 'search' });
    expect((await pool.runs.get('r4'))?.labels).toBeUndefined();
    expect(await pool.runs.request('r1')).toMatchObject({ value: { labels: { ticket: '4711', team: 'search' } } });
  });

  it('are forgotten when the records of their runs are gone', async () => {
    await create('r5', { once: 'yes' });
    const later = (await pool.runs.now()) + 10_000;
    await pool.runs.indexes.forgetGone(later, async (id) => id === 'r5');
    expect(await idsWith({ once: 'yes' })).toEqual([]);
    expect(await idsWith({ ticket: '12' })).toEqual(['r3']);
  });
});
