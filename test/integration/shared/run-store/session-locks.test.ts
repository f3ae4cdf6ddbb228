import { describe, expect, it } from 'vitest';
import { onePlace, onePool } from '../../../support/beginnings.js';

const place = onePlace();
const pool = onePool(place);

let runs = 0;
/** A queued run that resumes a session. */
async function queued(sessionId: string) {
  runs += 1;
  const id = `turn${runs}`;
  await pool.runs.create(id, 'runs.scripted', { runner: 'scripted', agentName: 'ann', prompt: '[]', sessionId });
  const run = await pool.runs.get(id);
  if (!run) throw new Error('it is not there');
  return run;
}
const end = (id: string) => pool.runs.end(id, undefined, { state: 'killed' });

describe('the locks on sessions', () => {
  it('are taken in the order of asking, however often one asks', async () => {
    const [first, second, third] = [await queued('a'), await queued('a'), await queued('a')];
    expect(await pool.runs.lockSession(first)).toBeUndefined();
    expect(await pool.runs.lockSession(second)).toBe(first.id);
    expect(await pool.runs.lockSession(third)).toBe(first.id);
    expect(await pool.runs.lockSession(second)).toBe(first.id);
    expect(await pool.runs.lockSession(first)).toBeUndefined();
    await end(first.id);
    expect(await pool.runs.lockSession(third)).toBe(second.id);
    expect(await pool.runs.lockSession(second)).toBeUndefined();
  });

  it('are not kept by a run whose record is gone, or that ended and could not say so', async () => {
    const [late, next] = [await queued('b'), await queued('b')];
    await pool.runs.holdSession('scripted', 'b', 'a-run-without-a-record');
    await end(late.id);
    await pool.runs.lockSession(late); // its end came between the look at its record and this
    expect(await pool.runs.sessionHolder(next)).toBeUndefined();
    expect(await pool.runs.lockSession(next)).toBeUndefined();
  });

  it('are held before all that wait by a program that tells its session, until both have ended', async () => {
    const [first, second, forked] = [await queued('c'), await queued('c'), await queued('d')];
    await pool.runs.lockSession(first);
    await pool.runs.lockSession(second);
    await pool.runs.lockSession(forked);
    const { epoch } = await pool.runs.claim(forked.id, 'w', 'here');
    await pool.runs.holdSession('scripted', 'c', forked.id);
    await pool.runs.sessionKnown({ id: forked.id, epoch }, 'c');
    await end(first.id);
    expect(await pool.runs.lockSession(second)).toBe(forked.id);
    await pool.runs.end(forked.id, epoch, { state: 'done' });
    expect(await pool.runs.lockSession(second)).toBeUndefined();
    expect(await pool.runs.sessionHolder(await queued('d'))).toBeUndefined();
  });

  it('tell of the queued run that holds a session next, once, and of nobody while it is held', async () => {
    const told: string[] = [];
    pool.runs.onSessionFree(async ({ id }) => void told.push(id));
    const [first, second, third] = [await queued('e'), await queued('e'), await queued('e')];
    for (const run of [first, second, third]) await pool.runs.lockSession(run);
    const { epoch } = await pool.runs.claim(first.id, 'w', 'here');
    await end(second.id);
    expect(told).toEqual([]);
    await pool.runs.end(first.id, epoch, { state: 'done' });
    await pool.runs.end(first.id, epoch, { state: 'done' });
    expect(told).toEqual([third.id]);
  });
});
