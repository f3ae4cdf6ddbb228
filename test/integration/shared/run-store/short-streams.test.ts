import { Redis } from 'ioredis';
import { afterAll, expect, it } from 'vitest';
import { BEGINNING } from '../../../../src/shared/run-store/output.js';
import { onePlace, onePool } from '../../../support/beginnings.js';

const place = onePlace();
const pool = onePool(place);
const redis = new Redis({ path: (place.env.REDIS_URL ?? '').slice('unix://'.length) });
afterAll(() => redis.disconnect());

/** What a run has stored that has printed this: before its end and after it. */
async function streams(id: string, bytes: Buffer) {
  await pool.runs.create(id, 'runs.scripted', { runner: 'scripted', agentName: 'a', prompt: 'p' });
  const { epoch } = await pool.runs.claim(id, 'w', 'h');
  await pool.runs.append({ id, epoch }, [{ kind: 'out', offset: 0, bytes }]);
  const key = `${place.env.AGENTPOOL_PREFIX}:run:{${id}}:events`;
  const entries = await redis.xrange(key, '-', '+');
  const before = await redis.memory('USAGE', key);
  await pool.runs.end(id, epoch, { state: 'done', exitCode: 0 });
  const ended = await redis.xrange(key, '-', '+');
  const output = await pool.runs.output(id, { from: BEGINNING, maxBytes: 100_000, final: true });
  return {
    before: Number(before),
    after: Number(await redis.memory('USAGE', key)),
    keepsEntries: JSON.stringify(ended.slice(0, -1)) === JSON.stringify(entries) && ended.length > entries.length,
    output: output.bytes.toString(),
    ttlMs: await redis.pttl(key),
  };
}

it('the stream of a short run takes no room for entries that never come, and has all that it had', async () => {
  const short = await streams('r1', Buffer.from('done\n'));
  expect(short).toMatchObject({ keepsEntries: true, output: 'done\n' });
  expect(short.before).toBeGreaterThan(4_096);
  expect(short.after).toBeLessThan(1_024);
  const long = await streams('r2', Buffer.alloc(50_000, 'x'));
  expect(long).toMatchObject({ keepsEntries: true, output: 'x'.repeat(50_000) });
  expect(Math.abs(long.ttlMs - short.ttlMs)).toBeLessThan(60_000);
  expect(short.ttlMs).toBeGreaterThan(0);
});

it('it stays as it is where the user of Redis may not write it anew', async () => {
  await redis.call('ACL', 'SETUSER', 'default', '-restore');
  try {
    const short = await streams('r3', Buffer.from('done\n'));
    expect(short).toMatchObject({ keepsEntries: true, output: 'done\n' });
    expect(short.after).toBeGreaterThan(4_096);
    expect(short.ttlMs).toBeGreaterThan(0);
  } finally {
    await redis.call('ACL', 'SETUSER', 'default', '+restore');
  }
});
