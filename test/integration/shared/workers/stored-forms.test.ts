import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { SPOOL_FORM } from '../../../../src/shared/stored-form.js';
import { storedMeta } from '../../../../src/worker/spool/spool-meta.js';
import { connect, makePlace } from '../../../support/pool.js';

const fixture = (name: string) => readFileSync(new URL(`../../../fixtures/stored/${name}`, import.meta.url), 'utf8');
const place = makePlace();
const url = inject('redisUrl');
const redis = url.startsWith('unix://') ? new Redis({ path: url.slice('unix://'.length) }) : new Redis(url);
afterAll(() => {
  redis.disconnect();
  place.clean();
});

function spooled(name: string, text: string): string {
  const directory = join(place.home, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'meta.json'), text);
  return directory;
}

describe('what the release before has stored', () => {
  it('is understood: a spool', () => {
    const text = fixture('spool-meta.0.1.json');
    expect(storedMeta(spooled('old', text))).toEqual({ value: JSON.parse(text) });
  });

  it('is understood: the request of a run', async () => {
    const text = fixture('request.0.1.json');
    await redis.set(`${place.env.AGENTPOOL_PREFIX}:run:{r-1}:request`, text);
    const pool = await connect(place);
    const stored = await pool.runs.request('r-1');
    await pool.stop();
    expect(stored).toEqual({ value: JSON.parse(text) });
  });

  it('is understood: the profile of an agent, and its line in the list', async () => {
    const key = `{${place.env.AGENTPOOL_PREFIX}:agents}`;
    const [profile, summary] = [fixture('agent-profile.0.1.json'), fixture('agent-summary.0.1.json')];
    await redis.hset(`${key}:profiles`, 'coder', profile);
    await redis.hset(`${key}:list`, 'coder', summary);
    const pool = await connect(place);
    const found = [await pool.agents.get('coder'), await pool.agents.all(), await pool.agents.list()];
    const changed = await pool.agents.update('coder', (before) => ({ ...before, model: 'sonnet' }));
    await pool.stop();
    expect(found).toEqual([
      JSON.parse(profile),
      { agents: [JSON.parse(profile)], unreadable: [] },
      { agents: [JSON.parse(summary)], unreadable: [] },
    ]);
    expect(changed).toMatchObject({
      ...JSON.parse(profile),
      model: 'sonnet',
      revision: 4,
      updatedAt: expect.any(Number),
    });
    expect(JSON.parse((await redis.hget(`${key}:profiles`, 'coder')) ?? '')).toMatchObject({
      form: 1,
      model: 'sonnet',
    });
  });

  it('is understood: the report of a worker; one that cannot be read lives all the same', async () => {
    const key = `{${place.env.AGENTPOOL_PREFIX}:workers}`;
    const old = fixture('worker-report.0.1.json');
    await redis.hset(`${key}:reports`, { 'a-1': old, 'b-1': JSON.stringify({ form: 2, id: 'b-1' }), 'c-1': '{' });
    const [seconds] = await redis.time();
    for (const id of ['a-1', 'b-1', 'c-1']) await redis.zadd(`${key}:beats`, Number(seconds) * 1_000, id);
    const pool = await connect(place);
    const [newer, broken, known] = await pool.workers.list();
    await pool.stop();
    expect(known).toMatchObject(JSON.parse(old));
    expect(newer).toMatchObject({ id: 'b-1', alive: true, capacity: 0, version: expect.stringContaining('form 2') });
    expect(broken).toMatchObject({ id: 'c-1', alive: true, version: expect.stringContaining('not JSON') });
  });
});

describe('the spool of a newer release, or a broken one', () => {
  it.each([
    ['newer', `{"form":${SPOOL_FORM + 1},"whatever":1}`, { newer: SPOOL_FORM + 1 }],
    ['broken', '{"runId":', { broken: 'it is not JSON' }],
    ['incomplete', '{"runId":"9f2c"}', { broken: expect.stringContaining('runner') }],
  ])('is told apart: %s', (name, text, seen) => expect(storedMeta(spooled(name, text))).toEqual(seen));
});
