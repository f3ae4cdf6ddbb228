import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { onePlace, onePool } from '../../../support/beginnings.js';

const place = onePlace();
const pool = onePool(place);

const create = (id: string, agentName: string) =>
  pool.runs.create(id, 'runs.scripted', { runner: 'scripted', agentName, principal: 'ann', prompt: '[]' });

/** What the indexes find, newest first. */
async function found(filter: object, size = 10): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of pool.runs.indexes.pages(filter, undefined, size)) ids.push(...page.map(({ id }) => id));
  return ids;
}

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
    const ids = async (filter: object) => (await found(filter)).sort();
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
    await Promise.all(ids.map((run) => pool.runs.indexes.move({ ...run, runner: 'scripted', state: 'orphaned' })));
    expect(await every()).toEqual(ids.map(({ id }) => id));
  });

  it('come once each, though whoever reads them takes them out', async () => {
    let seen = 0;
    for await (const id of pool.runs.indexes.oldestFirst('orphaned')) {
      await pool.runs.indexes.forget([id]);
      seen += 1;
    }
    expect(seen).toBe(1_000);
    expect(await every()).toEqual([]);
  });
});

describe('several indexes', () => {
  it('find what is in all of them, newest first, whichever is the smallest', async () => {
    for (const at of [1, 2, 3, 4, 5, 6]) {
      await create(`some${at}`, at % 2 ? 'odd' : 'even');
      const { epoch } = await pool.runs.claim(`some${at}`, 'worker', at % 3 ? 'here' : 'there');
      if (at > 3) await pool.runs.end(`some${at}`, epoch, { state: 'done' });
    }
    const ids = await found({ agentName: 'odd', principal: 'ann', runner: 'scripted' });
    expect(ids.sort()).toEqual(['some1', 'some3', 'some5']);
    expect(await found({ agentName: 'odd', host: 'there' })).toEqual(['some3']);
    expect(await found({ agentName: 'odd', state: 'done' })).toEqual(['some5']);
    expect(await found({ agentName: 'even', state: 'done', host: 'here' }, 1)).toEqual(['some4']);
    expect(await found({ agentName: 'even', state: 'failed' })).toEqual([]);
    const listed = await pool.runs.list({ agentName: 'even', state: 'done' }, 10);
    expect(listed.map(({ id }) => id)).toEqual(['some6', 'some4']);
  });
});

describe('summaries', () => {
  it('say runner, state and how long it took, of what matches and was queued since a time', async () => {
    const first = await create('timed1', 'timed');
    const { epoch } = await pool.runs.claim(first.id, 'worker', 'here');
    await pool.runs.started({ id: first.id, epoch }, 1, '/work');
    await pool.runs.end(first.id, epoch, { state: 'done' });
    while ((await pool.runs.now()) <= first.queuedAt) await pause(1);
    const second = await create('timed2', 'timed');
    const who = { agentName: 'timed', principal: 'ann', runner: 'scripted' };
    const waiting = { ...who, queuedAt: second.queuedAt, state: 'queued' };
    const ended = { ...who, host: 'here', queuedAt: first.queuedAt, state: 'done', durationMs: expect.any(Number) };
    expect(await pool.runs.summaries({ agentName: 'timed' }, 10)).toEqual([waiting, ended]);
    expect(await pool.runs.summaries({ agentName: 'timed' }, 10, second.queuedAt)).toEqual([waiting]);
    expect(await pool.runs.summaries({ agentName: 'timed' }, 1)).toEqual([waiting]);
    expect(await pool.runs.summaries({ agentName: 'timed', principal: 'bob' }, 10)).toEqual([]);
  });
});
