import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cleanUpAfterEach } from '../support/beginnings.js';
import { makePlace, type Place } from '../support/pool.js';
import { agentpool, openMcp, startWorkerProcess } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  readonly note?: boolean;
  readonly fix?: string;
}

const cleanUp = cleanUpAfterEach();

async function askDoctor(place: Place) {
  const { code, stdout } = await agentpool(place, ['doctor', '--json']);
  const findings = JSON.parse(stdout) as Finding[];
  return { code, of: (what: string) => findings.find((finding) => finding.what === what) };
}

/** A program that says which version it is. */
function install(place: Place, name: string, version: string): Place {
  const bin = join(place.work, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\necho "${version} (some agent)"\n`);
  chmodSync(join(bin, name), 0o755);
  return { ...place, env: { ...place.env, PATH: `${bin}:${place.env.PATH}` } };
}

it('tells a sound pool from one that could be better, and says what would make it so', async () => {
  const redis = await startRedis('--stream-node-max-bytes', '65536');
  cleanUp.push(redis.stop);
  const place = makePlace({ AGENTPOOL_HOST_NAME: 'here', AGENTPOOL_RUNNERS: 'demo,claude,missing' }, redis.url);
  cleanUp.push(place.clean);
  const worker = await startWorkerProcess(place);
  cleanUp.push(() => worker.end());
  const { code, of } = await askDoctor(install(place, 'claude', '1.0.9'));
  expect(code).toBe(1); // for what is missing and was asked for
  const sound = { ...place, env: { ...place.env, AGENTPOOL_RUNNERS: 'demo,claude' } };
  expect((await askDoctor(install(sound, 'claude', '1.0.9'))).code).toBe(0);
  expect(of('Node')).toMatchObject({ ok: true, found: process.versions.node });
  expect(of('Redis')).toMatchObject({ ok: true, found: expect.stringContaining('noeviction') });
  expect(of('Redis on disk')).toMatchObject({ ok: true });
  expect(of('Redis streams')).toMatchObject({ ok: true, note: false });
  expect(of('Worker here')).toMatchObject({ ok: true, found: '0 of 4 busy, has demo, labels os=linux arch=x64' });
  expect(of('Queues')).toMatchObject({ ok: true, found: 'empty' });
  expect(of('Runner claude')).toMatchObject({
    ok: true,
    note: true,
    found: expect.stringMatching(/^1\.0\.9, not tested \(\d+\.\d+\.\d+ is\), .*\/bin\/claude$/),
    fix: expect.stringMatching(/^npm install -g @anthropic-ai\/claude-code@\d/),
  });
  expect(of('Runner missing')).toMatchObject({ ok: false, fix: 'there is no such program' });
  expect(of('Spool space')).toMatchObject({ found: expect.stringContaining(place.home) });
});

it('shows what waits in vain, where a program is elsewhere, and how Redis would do better', async () => {
  const place = makePlace({ AGENTPOOL_HOST_NAME: 'there', AGENTPOOL_RUNNERS: 'claude' });
  cleanUp.push(place.clean);
  const worker = await startWorkerProcess(install(place, 'claude', '2.1.0'));
  cleanUp.push(() => worker.end());
  const mcp = await openMcp(place);
  cleanUp.push(mcp.close);
  await mcp.call('run_agent', { runner: 'demo', prompt: 'hello' });
  const here = { ...place, env: { ...place.env, AGENTPOOL_RUNNERS: '' } };
  const { of } = await askDoctor(here);
  expect(of('Queue runs.demo')).toMatchObject({ ok: false, found: expect.stringContaining('a run waits') });
  expect(of('Runner claude')).toMatchObject({ ok: true, found: expect.stringContaining('it is on there') });
  expect(of('Redis streams')).toMatchObject({
    note: true,
    fix: expect.stringContaining('redis-cli config set stream-node-max-bytes 65536'),
  });
  const shown = await agentpool(here, ['doctor']);
  expect(shown.stdout).toMatch(/^✗ Queue runs\.demo +a run waits.*\n +→ on a host with a worker: /m);
  expect(shown.stdout).toMatch(/\n1 problem, \d+ notes?\n$/);
});

it('names the variables that agents and runners of the operator need and this environment lacks, and never a value', async () => {
  const place = makePlace();
  cleanUp.push(place.clean);
  const mcp = await openMcp(place);
  cleanUp.push(mcp.close);
  const profile = { prompt: 'You help.', env: { API_KEY: '$KEY_OF_THE_WORKER', MODE: 'fast' } };
  await mcp.call('create_agent', { name: 'near', runner: 'demo', ...profile });
  await mcp.call('create_agent', { name: 'far', runner: 'claude', ...profile });
  await mcp.call('create_agent', { name: 'plain', runner: 'demo', prompt: 'You help.' });
  const { WORKER_SECRET: _, ...env } = place.env;
  const { of } = await askDoctor({ ...place, env });
  expect(of('Agents')).toMatchObject({ ok: true, found: '3 stored, 1 of them with all they name' });
  expect(of('Agent near')).toMatchObject({
    ok: false,
    found: expect.stringContaining('demo is to get KEY_OF_THE_WORKER'),
    fix: expect.stringContaining('KEY_OF_THE_WORKER=...'),
  });
  expect(of('Agent far')).toMatchObject({ ok: true, note: true });
  expect(of('Agent plain')).toBeUndefined();
  expect(of('Variables of scripted')).toMatchObject({ ok: false, found: expect.stringContaining('WORKER_SECRET') });

  const value = 'the-value-of-the-key';
  const sound = { ...place, env: { ...place.env, KEY_OF_THE_WORKER: value } };
  const after = await askDoctor(sound);
  expect(after.of('Agents')).toMatchObject({ found: '3 stored, 3 of them with all they name' });
  expect(after.of('Variables of scripted')).toBeUndefined();
  expect((await agentpool(sound, ['doctor'])).stdout).not.toContain(value);
});

it('says so when Redis is not there, and exits with 69', async () => {
  const place = makePlace({}, 'redis://127.0.0.1:1');
  cleanUp.push(place.clean);
  const { code, of } = await askDoctor(place);
  expect(code).toBe(69);
  expect(of('Redis')).toMatchObject({ ok: false, fix: 'check REDIS_URL, and that the server runs' });
  expect(of('Node')).toMatchObject({ ok: true });
  expect(of('Agents')).toBeUndefined();
});

it('tells how many slots a worker takes by itself, and why', async () => {
  const place = makePlace({ AGENTPOOL_CONCURRENCY: 'auto', AGENTPOOL_RUNNERS: 'demo' });
  cleanUp.push(place.clean);
  const worker = await startWorkerProcess(place);
  cleanUp.push(() => worker.end());
  const mcp = await openMcp(place);
  cleanUp.push(() => mcp.close());
  const { workers } = await mcp.call<{ workers: { capacity: number }[] }>('pool_status', {});
  const { found = '' } = (await askDoctor(place)).of('Slots') ?? {};
  const [, slots, reason] = /^(\d+) runs? at once: (.+); AGENTPOOL_CONCURRENCY sets another number$/.exec(found) ?? [];
  expect(workers.map(({ capacity }) => capacity)).toEqual([Number(slots)]);
  expect(reason).toMatch(/cores$|MiB for a run of demo$|descriptors$|by itself$/);
  const set = { ...place, env: { ...place.env, AGENTPOOL_CONCURRENCY: '7' } };
  expect((await askDoctor(set)).of('Slots')?.found).toBe('7 runs at once: AGENTPOOL_CONCURRENCY says so');
});
