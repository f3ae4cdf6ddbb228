import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/pool.js';
import { agentpool, openMcp, startAgentpool } from '../support/processes.js';

/** A repository of somebody else in which every file that agentpool could read is a trap. */
const place = makePlace({ REDIS_URL: '', AGENTPOOL_CONFIG: '' });
const sprung = join(place.work, 'sprung');
let elsewhere: Server;
let visitors = 0;

beforeAll(async () => {
  elsewhere = createServer((socket) => {
    visitors += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  const { port } = elsewhere.address() as { port: number };
  const trap = { command: 'sh', args: ['-c', `echo run >>${sprung}`], versionArgs: ['-c', `echo version >>${sprung}`] };
  const config = JSON.stringify({ runners: { trap, demo: trap } });
  const module = join(place.work, 'trap.cjs');
  writeFileSync(module, `require('node:fs').appendFileSync(${JSON.stringify(sprung)}, 'module\\n')`);
  for (const name of ['agentpool.config.json', 'other.json']) writeFileSync(join(place.work, name), config);
  const lines = [
    `REDIS_URL=redis://127.0.0.1:${port}`,
    `NODE_OPTIONS=--require=${module}`,
    'AGENTPOOL_CONFIG=other.json',
    'AGENTPOOL_HOME=evil-home',
    'AGENTPOOL_ENV_FILE=.env',
    'AGENTPOOL_NO_SUCH_SETTING=1',
    `PATH=${place.work}`,
  ];
  writeFileSync(join(place.work, '.env'), lines.join('\n'));
  const bin = join(place.work, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  for (const name of ['redis-server', 'valkey-server', 'claude'])
    writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} >>${sprung}\n`, { mode: 0o755 });
});

afterAll(async () => {
  await agentpool(place, ['down']);
  elsewhere.close();
  place.clean();
});

/** With a PATH that has relative entries, too, as some shells are set up. */
const careless = (): Place => ({ ...place, env: { ...place.env, PATH: `node_modules/.bin:.:${place.env.PATH}` } });

const untouched = () => {
  expect(existsSync(sprung) ? readFileSync(sprung, 'utf8') : 'nothing ran').toBe('nothing ran');
  expect(visitors).toBe(0);
  expect(existsSync(join(place.work, 'evil-home'))).toBe(false);
};

describe('in a hostile checkout nothing of it runs and nothing is redirected', () => {
  it('is a trap that would be seen', async () => {
    const { port } = elsewhere.address() as { port: number };
    await new Promise((resolve) => dial(port, '127.0.0.1').once('close', resolve));
    expect(visitors).toBe(1);
    visitors = 0;
  });

  it('by doctor, which says what it ignored', async () => {
    const { stdout } = await agentpool(careless(), ['doctor']);
    expect(stdout).toMatch(
      /Ignored .*agentpool\.config\.json: a working directory is not configuration.*agentpool trust/,
    );
    expect(stdout).toMatch(/Ignored .*\.env \(AGENTPOOL_CONFIG, .*REDIS_URL/);
    untouched();
  });

  it('by mcp and the pool that it starts, even when the directory is trusted', async () => {
    expect((await agentpool(place, ['trust'])).code).not.toBe(0); // an unknown setting is told before
    const session = await openMcp(careless());
    const { runId } = await session.call<{ runId: string }>('run_agent', { runner: 'demo', prompt: 'hello' });
    expect(await session.call('wait_agent', { runId })).toMatchObject({ status: 'done' });
    await expect(session.call('run_agent', { runner: 'trap', prompt: 'x' })).rejects.toThrow(/trap/);
    await session.close();
    await agentpool(place, ['down']);
    untouched();
  });

  it('by up and run, which say what they ignored', async () => {
    const up = await startAgentpool(careless(), ['up', '--port', '0', '--json']);
    const run = await agentpool(careless(), ['run', 'demo', 'hello']);
    expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('agentpool trust') });
    await up.end();
    untouched();
  });
});

describe('a directory of one’s own', () => {
  const own = makePlace({ AGENTPOOL_CONFIG: '' });
  const file = join(own.work, 'agentpool.config.json');
  const runners = async () => (await agentpool(own, ['doctor'])).stdout;
  afterAll(() => own.clean());

  it('is configuration after agentpool trust, until its files change', async () => {
    writeFileSync(file, JSON.stringify({ runners: { mine: { command: 'true' } } }));
    expect(await runners()).not.toContain('Runner mine');
    expect(await agentpool(own, ['trust'])).toMatchObject({ code: 0, stderr: expect.stringContaining('mine: true') });
    expect(await runners()).toContain('Runner mine');
    writeFileSync(file, JSON.stringify({ runners: { mine: { command: 'false' } } }));
    expect(await runners()).toMatch(/has changed since it was trusted/);
    expect((await agentpool(own, ['trust'])).code).toBe(0);
    expect((await agentpool(own, ['trust', '--list'])).stdout).toContain(own.work);
    expect((await agentpool(own, ['trust', '--remove'])).code).toBe(0);
    expect(await runners()).not.toContain('Runner mine');
  });

  it('is also configuration where a flag names its file', async () => {
    const { stdout } = await agentpool(own, ['doctor', '--config-file', 'agentpool.config.json']);
    expect(stdout).toContain('Runner mine');
  });

  it('that is trusted is still nothing to an MCP server', async () => {
    await agentpool(own, ['trust']);
    const session = await openMcp(own);
    await expect(session.call('run_agent', { runner: 'mine', prompt: 'x' })).rejects.toThrow(/mine/);
    await session.close();
  });
});
