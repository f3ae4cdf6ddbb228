import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pool } from '../../../../src/shared/pool.js';
import { connect, makePlace } from '../../../support/pool.js';

const place = makePlace();
let pool: Pool;

beforeAll(async () => {
  pool = await connect(place);
});
afterAll(async () => {
  await pool.stop();
  place.clean();
});

const create = (id: string, agentName: string) =>
  pool.runs.create(id, 'runs.scripted', { runner: 'scripted', agentName, principal: 'ann', prompt: '[]' });

describe('the indexes named after agents, runners, principals and hosts', () => {
  it('forget the runs whose record is gone, and only those queued before the time', async () => {
    await create('old1', 'a');
    await create('old2', 'b');
    const before = (await pool.runs.now()) + 1;
    while ((await pool.runs.now()) < before) await pause(1);
    await create('young', 'a');
    const asked: string[] = [];
    await pool.runs.indexes.forgetGone(before, async (id) => {
      asked.push(id);
      return id === 'old1';
    });
    expect([...new Set(asked)].sort()).toEqual(['old1', 'old2']);
    const ids = async (filter: object) =>
      (await pool.runs.indexes.page(filter, undefined, 10)).map(({ id }) => id).sort();
    expect(await ids({ agentName: 'a' })).toEqual(['young']);
    expect(await ids({ agentName: 'b' })).toEqual(['old2']);
    expect(await ids({ runner: 'scripted' })).toEqual(['old2', 'young']);
    expect(await ids({ principal: 'ann' })).toEqual(['old2', 'young']);
  });
});

describe('all of an index', () => {
  const every = async () => {
    const found: string[] = [];
    for await (const id of pool.runs.indexes.oldestFirst('orphaned')) found.push(id);
    return found;
  };

  it('come oldest first, more than a page of them and more than a page of one millisecond', async () => {
    const times = [...Array(250).fill(1), ...Array(500).fill(2), ...Array(250).fill(3)];
    const ids = times.map((queuedAt, at) => ({ queuedAt, id: `many${String(at).padStart(4, '0')}` }));
    await Promise.all(ids.map((run) => pool.runs.indexes.move({ ...run, state: 'orphaned' })));
    expect(await every()).toEqual(ids.map(({ id }) => id));
  });

  it('come once each, though whoever reads them takes them out', async () => {
    let seen = 0;
    for await (const id of pool.runs.indexes.oldestFirst('orphaned')) {
      await pool.runs.indexes.forget(id);
      seen += 1;
    }
    expect(seen).toBe(1_000);
    expect(await every()).toEqual([]);
  });
});
