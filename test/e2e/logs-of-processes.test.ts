import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { onePlace } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { agentpool, eventually, MAIN, openMcp } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_LOG_LEVEL: 'info' });
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A process of ours with what it has logged so far. */
async function start(subcommand: string, extra: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, subcommand, '--json'], {
    cwd: place.work,
    env: { ...place.env, ...extra },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (bytes) => {
    text += bytes;
  });
  const exited = once(child, 'exit');
  ends.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [ready] = await once(child.stdout, 'data');
  const lines = () =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const line = (msg: string) =>
    eventually(
      async () => lines().find((one) => one.msg === msg),
      (found) => found !== undefined,
    );
  return { child, exited, text: () => text, line, ready: JSON.parse(String(ready)) as Record<string, string> };
}

describe('the log', () => {
  test('has a line for the start, the take-over, the kill and the end of a run, with its id and principal', async () => {
    const first = await start('worker');
    const mcp = await openMcp(place);
    ends.push(() => mcp.close());
    const { runId } = await mcp.call<{ runId: string }>('run_agent', {
      runner: 'scripted',
      prompt: steps({ print: 'one\n' }, { until: '/nonexistent' }),
    });
    const whose = { runId, principal: 'local' };
    expect(await first.line('the program has started')).toMatchObject({ ...whose, runner: 'scripted' });
    await mcp.call('stream_agent_output', { runId, waitMs: 20_000 });
    first.child.kill('SIGTERM');
    await first.exited;
    const second = await start('worker');
    expect(await second.line('the run is taken over')).toMatchObject({ ...whose, from: first.ready.id });
    await mcp.call('kill_agent', { runId });
    expect(await second.line('ending the program')).toMatchObject({ ...whose, why: 'kill' });
    expect(await second.line('the run has ended')).toMatchObject({ ...whose, state: 'killed' });
  });

  test('of a server has a line for what it refuses, and one for many of a kind', async () => {
    const server = await start('serve', { AGENTPOOL_PORT: '0' });
    for (let n = 0; n < 5; n += 1) expect((await fetch(`${server.ready.url}/`)).status).toBe(401);
    expect(await server.line('a request was refused')).toMatchObject({ status: 401, path: '/' });
    expect(server.text().match(/a request was refused/g)).toHaveLength(1);
  });

  test('is for people where that is asked for, and steers no terminal', async () => {
    const server = await start('serve', { AGENTPOOL_PORT: '0', AGENTPOOL_LOG_FORMAT: 'pretty', NO_COLOR: '1' });
    expect((await fetch(`${server.ready.url}/%1b%5b2J`)).status).toBe(401);
    await eventually(
      async () => server.text(),
      (text) => /^\[[\d:]+\] INFO \(serve\): a request was refused/m.test(text),
    );
    expect(server.text()).not.toContain('\u001b');
  });

  const canMakeTerminals = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
  if (!canMakeTerminals) process.stderr.write('skipped: there is no script(1) to make a terminal with\n');

  test.skipIf(!canMakeTerminals)('at a terminal is for people, also that of the processes of up', async () => {
    const command = `exec ${process.execPath} ${MAIN} up --port 0`; // a shell in between would end by Ctrl-C itself
    const up = spawn('script', ['-qec', command, '/dev/null'], { cwd: place.work, env: place.env });
    let text = '';
    up.stdout.on('data', (bytes) => {
      text += bytes;
    });
    const exited = once(up, 'exit');
    ends.push(async () => {
      up.kill('SIGKILL');
      await exited;
    });
    await eventually(
      async () => text,
      (shown) => /agentpool is up/.test(shown) && /INFO.* \(worker\): .*worker is ready/.test(shown),
      30_000,
    );
    up.stdin.write('\x03'); // Ctrl-C reaches all three processes
    expect(await exited).toEqual([0, null]);
    expect(text.split('\n').filter((line) => line.startsWith('{'))).toEqual([]);
  });

  test('of a pool in the background is where up says that it is', async () => {
    const { stdout } = await agentpool(place, ['up', '--help']);
    expect(stdout).toMatch(/up\.log/);
  });
});

describe.each(['SIGHUP', 'SIGTERM'] as const)('%s', (signal) => {
  test.each(['serve', 'worker'])('ends %s in order', async (subcommand) => {
    const { child, exited } = await start(subcommand, { AGENTPOOL_PORT: '0' });
    child.kill(signal);
    expect(await exited).toEqual([0, null]);
  });
});
