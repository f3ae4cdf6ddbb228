import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { makePlace } from '../support/pool.js';
import { MAIN } from '../support/processes.js';

const place = makePlace();
afterAll(() => place.clean());

/** Runs a command whose stdout is a file; `stdin` is empty. */
async function printing(args: readonly string[], stdout: number | 'closed') {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: place.work,
    env: place.env,
    stdio: ['ignore', stdout === 'closed' ? 'pipe' : stdout, 'pipe'],
  });
  if (stdout === 'closed') child.stdout?.destroy();
  let said = '';
  child.stderr?.on('data', (bytes) => {
    said += bytes;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

test
  .runIf(existsSync('/dev/full'))
  .each([
    [['runs']],
    [['runs', '--json']],
    [['--help']],
    [['--version']],
    [['doctor', '--json']],
    [['agents', 'list']],
    [['connect', 'claude']],
    [['token']],
  ])('agentpool %s on a full disk exits with 74 and says why', async (args) => {
  const { code, said } = await printing(args, openSync('/dev/full', 'w'));
  expect(said).toMatch(/^agentpool: what was to be printed cannot be written to stdout: .*ENOSPC/m);
  expect(code).toBe(74);
});

test.each([[['runs']], [['--help']]])('agentpool %s whose reader has gone says nothing', async (args) => {
  expect(await printing(args, 'closed')).toEqual({ code: 0, said: '' });
});
