import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../../../../src/shared/run.js';
import { isEnded, RUN_STATES } from '../../../../src/shared/run-state.js';
import type { RunFilter } from '../../../../src/shared/run-store/indexes.js';
import { indexKeys, runKeys } from '../../../../src/shared/run-store/keys.js';
import type { Ending } from '../../../../src/shared/run-store/ownership.js';
import { onePlace, onePool } from '../../../support/beginnings.js';
import { monitorCommands } from '../../../support/monitor.js';

const RUNS = 300;
const RUNNERS = ['alpha', 'beta', 'gamma'];
const HOSTS = ['here', 'there'];
const ENDINGS = ['done', 'failed', 'killed', 'timed_out'] as const;

/** The same numbers in each run of this test. */
function seeded(seed: number) {
  let state = seed;
  const below = (most: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * most);
  };
  return { below, oneOf: <Item>(items: readonly Item[]) => items[below(items.length)] as Item };
}

const place = onePlace();
const pool = onePool(place);
let redis: Redis;
beforeAll(() => {
  redis = new Redis({ path: (place.env.REDIS_URL ?? '').replace('unix://', '') });
});
afterAll(() => redis.disconnect());

const prefix = () => place.env.AGENTPOOL_PREFIX ?? '';
const random = seeded(7);
const ids: string[] = [];

async function createOne(id: string) {
  const label = random.oneOf(['search', 'shop', undefined]);
  const runner = random.oneOf(RUNNERS);
  await pool.runs.create(id, `runs.${runner}`, {
    runner,
    agentName: random.oneOf(['ann', 'bob']),
    principal: random.oneOf(['carl', 'dora']),
    prompt: 'x',
    ...(label && { labels: { team: label } }),
  });
}

/** Takes a run through some of its life, ended or not, and away from hosts and back. */
async function live(id: string): Promise<void> {
  await createOne(id);
  if (random.below(10) === 0) return;
  if (random.below(10) === 0) return void (await pool.runs.end(id, undefined, { state: 'killed' }));
  let host = random.oneOf(HOSTS);
  let { epoch } = await pool.runs.claim(id, 'worker', host);
  if (random.below(5) === 0) {
    await pool.runs.requeue({ id, epoch }, host);
    if (random.below(2) === 0) return;
    host = random.oneOf(HOSTS);
    ({ epoch } = await pool.runs.claim(id, 'worker', host));
  }
  if (random.below(8) > 0) {
    await pool.runs.started({ id, epoch }, 1, '/work');
    const { startedAt = 0 } = (await pool.runs.get(id)) ?? {};
    await redis.hset(runKeys(prefix(), id).run, 'startedAt', startedAt - random.below(100_000));
  }
  if (random.below(6) === 0) {
    await pool.runs.orphan({ id, epoch });
    if (random.below(3) === 0) return;
    if (random.below(2) === 0) await pool.runs.comeBack({ id, epoch });
  }
  if (random.below(8) === 0) return;
  const ending: Ending = { state: random.oneOf(ENDINGS) };
  await pool.runs.end(id, epoch, ending);
}

const records = async () => (await Promise.all(ids.map((id) => pool.runs.get(id)))).filter((run) => run !== undefined);

/** What the records say, one by one. */
function byRecords(found: readonly Run[], filter: RunFilter, since: number) {
  const matches = (run: Run) =>
    run.queuedAt >= since &&
    (['agentName', 'runner', 'principal', 'state', 'host'] as const).every(
      (name) => filter[name] === undefined || run[name] === filter[name],
    ) &&
    Object.entries(filter.labels ?? {}).every(([key, value]) => run.labels?.[key] === value);
  const groups = new Map<string, Run[]>();
  for (const run of found.filter(matches)) {
    const key = `${run.runner} ${RUN_STATES.indexOf(run.state)}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, runs]) => {
      const [{ runner, state } = { runner: '', state: 'done' as const }] = runs;
      const took = runs
        .flatMap(({ startedAt, endedAt }) => (startedAt && endedAt ? endedAt - startedAt : []))
        .sort((a, b) => a - b);
      const times = took.length > 0 ? { medianMs: took[Math.floor(took.length / 2)], longestMs: took.at(-1) } : {};
      return { runner, state, count: runs.length, ...times };
    });
}

const filters = (): RunFilter[] => [
  {},
  ...RUNNERS.map((runner) => ({ runner })),
  ...RUN_STATES.map((state) => ({ state })),
  { principal: 'carl' },
  { agentName: 'ann' },
  { agentName: 'nobody' },
  { host: 'here' },
  { host: 'there', state: 'done' },
  { labels: { team: 'search' } },
  { principal: 'dora', runner: 'beta', agentName: 'bob', host: 'here', labels: { team: 'shop' } },
  { runner: 'alpha', state: 'failed' },
  { runner: 'alpha', state: 'queued', principal: 'carl' },
];

/** Each question answered from the indexes and from the records. */
async function expectEqual(): Promise<void> {
  const found = await records();
  const queuedAt = found.map((run) => run.queuedAt).sort((a, b) => a - b);
  const middle = queuedAt[Math.floor(queuedAt.length / 2)] ?? 0;
  for (const filter of filters())
    for (const since of [0, middle, (queuedAt.at(-1) ?? 0) + 1])
      expect({ filter, since, found: await pool.runs.statistics(filter, since) }).toEqual({
        filter,
        since,
        found: byRecords(found, filter, since),
      });
}

/** How many records an action reads. */
async function recordsRead(action: () => Promise<unknown>): Promise<number> {
  const monitor = await monitorCommands(place.env.REDIS_URL ?? '', prefix());
  await action();
  const seen = await monitor.seen();
  monitor.stop();
  return seen.filter(({ name }) => name === 'hmget' || name === 'hgetall').length;
}

/** Those of which statistics read the records. */
const liveIds = async () => (await records()).filter((run) => !isEnded(run.state));

const keysOfIndexes = () => redis.keys(`${prefix()}:runs:*`);
const savedOf = async (keys: readonly string[]) =>
  Promise.all(keys.map(async (key) => [key, await redis.dumpBuffer(key)] as const));
/** As if Redis had forgotten what was written to these keys since. */
async function forgetSince(saved: readonly (readonly [string, Buffer])[], all: readonly string[]) {
  await redis.del(...all);
  for (const [key, dump] of saved) await redis.restore(key, 0, dump);
}

describe('statistics', () => {
  it('are those of the records, with every filter, of runs that were requeued, orphaned and ended in all ways', async () => {
    for (let at = 0; at < RUNS; at += 1) {
      ids.push(`run${String(at).padStart(3, '0')}`);
      await live(ids[at] ?? '');
    }
    const states = new Set(byRecords(await records(), {}, 0).map(({ state }) => state));
    expect([...states].sort()).toEqual([...RUN_STATES].sort());
    await expectEqual();
    const read = await recordsRead(() => pool.runs.statistics({}));
    expect(read).toBe((await liveIds()).length);
  });

  it('are those of the records where a release has ended runs that kept no outcomes, until the sweep has put them right', async () => {
    const { outcomes, runners } = indexKeys(prefix());
    await redis.del(runners, ...RUNNERS.map(outcomes));
    await expectEqual();
    expect(await recordsRead(() => pool.runs.statistics({}))).toBeGreaterThanOrEqual(ids.length);
    await pool.runs.putIndexesRight();
    await expectEqual();
    expect(await recordsRead(() => pool.runs.statistics({}))).toBe((await liveIds()).length);
  });

  it('are right again after the sweep where Redis has forgotten the last that was written to the indexes', async () => {
    const saved = await savedOf(await keysOfIndexes());
    for (const id of (await liveIds()).map((run) => run?.id ?? '').slice(0, 20)) {
      const { epoch = 0, state } = (await pool.runs.get(id)) ?? {};
      if (state === 'queued') await pool.runs.claim(id, 'worker', 'there');
      else await pool.runs.end(id, epoch, { state: 'failed' });
    }
    await forgetSince(saved, await keysOfIndexes());
    await pool.runs.putIndexesRight();
    await expectEqual();
  });

  it('are right again after the sweep where Redis has forgotten the last that was written to records', async () => {
    const keys = ids.map((id) => runKeys(prefix(), id).run);
    const saved = await savedOf(keys);
    for (const run of (await liveIds()).slice(0, 20)) {
      const { id = '', epoch = 0, state } = run ?? {};
      if (state === 'queued') await pool.runs.end(id, undefined, { state: 'killed' });
      else await pool.runs.end(id, epoch, { state: 'done' });
    }
    await forgetSince(saved, keys);
    await redis.zadd(indexKeys(prefix()).host('there'), '1', ids[0] ?? '');
    await pool.runs.putIndexesRight();
    await expectEqual();
    expect(await recordsRead(() => pool.runs.statistics({}))).toBe((await liveIds()).length);
  });

  it('believe a record that has ended before the indexes know', async () => {
    const run = (await liveIds()).find((one) => one?.state === 'running');
    const saved = await savedOf(await keysOfIndexes());
    await pool.runs.end(run?.id ?? '', run?.epoch ?? 0, { state: 'timed_out' });
    await forgetSince(saved, await keysOfIndexes()); // as between the end and what follows it
    await expectEqual();
  });

  it('leave out runs whose record is gone, and whatever else the indexes have of them goes with the sweep', async () => {
    const gone = ids.filter((_, at) => at % 7 === 0);
    await redis.del(...gone.map((id) => runKeys(prefix(), id).run));
    await redis.zrem(indexKeys(prefix()).all, ids[7] ?? '');
    const old = 1_000; // queued so long ago that its time is over
    for (const index of await keysOfIndexes())
      if ((await redis.type(index)) === 'zset' && !index.includes(':outcomes:') && !index.endsWith(':ids'))
        for (const id of gone) await redis.zadd(index, 'XX', String(old), id);
    await pool.runs.putIndexesRight();
    await expectEqual();
    for (const index of await keysOfIndexes())
      if (/:(outcomes|state|all)/.test(index))
        expect((await redis.zrange(index, '0', '-1')).filter((id) => gone.includes(id))).toEqual([]);
  });
});

describe('statistics beside more runs that wait than are read one by one', () => {
  const many = onePool(onePlace());
  const MANY = 1_200;

  it('count them by the indexes, with and without a filter', async () => {
    const create = (at: number) =>
      many.runs.create(`wait${String(at).padStart(4, '0')}`, 'runs.alpha', {
        runner: at % 3 ? 'alpha' : 'beta',
        agentName: at % 4 ? 'ann' : 'bob',
        prompt: 'x',
      });
    await Promise.all(Array.from({ length: MANY }, (_, at) => create(at)));
    await many.runs.end('wait0001', undefined, { state: 'killed' });
    const counts = async (filter: RunFilter) =>
      (await many.runs.statistics(filter)).map(({ runner, state, count }) => [runner, state, count]);
    expect(await counts({})).toEqual([
      ['alpha', 'queued', 799],
      ['alpha', 'killed', 1],
      ['beta', 'queued', 400],
    ]);
    expect(await counts({ state: 'queued' })).toEqual([
      ['alpha', 'queued', 799],
      ['beta', 'queued', 400],
    ]);
    expect(await counts({ agentName: 'bob', runner: 'beta' })).toEqual([['beta', 'queued', 100]]);
  });
});

describe('statistics of runs whose time is over', () => {
  const short = onePlace({ AGENTPOOL_RECORD_RETENTION_MS: '1000', AGENTPOOL_OUTPUT_RETENTION_MS: '1000' });
  const shortPool = onePool(short);

  it('do not count them, before any sweep has come by', async () => {
    const run = await shortPool.runs.create('brief', 'runs.alpha', {
      runner: 'alpha',
      agentName: 'ann',
      prompt: 'x',
    });
    await shortPool.runs.create('stays', 'runs.alpha', { runner: 'alpha', agentName: 'ann', prompt: 'x' });
    const { epoch } = await shortPool.runs.claim(run.id, 'worker', 'here');
    await shortPool.runs.end(run.id, epoch, { state: 'done' });
    expect((await shortPool.runs.statistics({})).map(({ state, count }) => [state, count])).toEqual([
      ['queued', 1],
      ['done', 1],
    ]);
    while (await shortPool.runs.get(run.id)) await pause(20);
    expect((await shortPool.runs.statistics({})).map(({ state, count }) => [state, count])).toEqual([['queued', 1]]);
  });
});
